import { messageOf } from '../core/errors.ts'
import { atStep } from '../core/failpoints.ts'
import { formatVolumeHandle, VOLUME_FINALIZER, type VolumeHandle } from '../core/naming.ts'
import { Conflict, NotFound } from '../kube/errors.ts'
import type { PersistentVolumeClaim } from '../kube/claim-view.ts'
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '../kube/resources.ts'
import type { ObjectKey, ObjectStore } from '../kube/types.ts'
import { NotFound as VolumeNotFound } from '../lvm/errors.ts'
import type { ClassKeeper } from './class-keeper.ts'
import {
  viewPersistentVolume,
  type PersistentVolume,
  type PersistentVolumeView,
} from './persistent-volume.ts'
import type { Identity, Ports } from './ports.ts'
import { decideReclaim } from './reclaim-decision.ts'
import { requireRemovable, type Removable } from './removal-rules.ts'
import { referencesOf, type References, type VolumeReferences } from './volume-references.ts'

/** A PersistentVolume of Loam's, with its handle read. */
type OurVolume = PersistentVolumeView & { readonly handle: VolumeHandle }

export interface ReclaimTools {
  readonly ports: Ports
  readonly identity: Identity
  /** PersistentVolumes of this node. */
  readonly known: Pick<ObjectStore<PersistentVolumeView>, 'get' | 'entries'>
  readonly references: VolumeReferences
  readonly classes: Pick<ClassKeeper, 'groupChanged'>
}

/**
 * Ends PersistentVolumes of this node as their reclaim policy says. Every step starts from a fresh quorum read:
 * what the watch said only woke us.
 *
 * The DELETE with preconditions is the last moment at which a person can still change the policy: afterwards the
 * object is Terminating, and Retain, should somebody set it even then, is honoured once more before data dies. A volume
 * that may not be removed keeps its object from being deleted at all, as far as this node's own view tells.
 */
export class ReclaimController {
  readonly #ports: Ports
  readonly #identity: Identity
  readonly #known: ReclaimTools['known']
  readonly #references: VolumeReferences
  readonly #classes: ReclaimTools['classes']
  /** PersistentVolumes that are known to be going, by name: which, and since when by the monotonic clock. */
  readonly #going = new Map<string, { readonly uid: string; readonly sinceMs: number }>()

  constructor({ ports, identity, known, references, classes }: ReclaimTools) {
    this.#ports = ports
    this.#identity = identity
    this.#known = known
    this.#references = references
    this.#classes = classes
  }

  /** @throws whatever should be tried again with backoff. */
  async reconcile(name: ObjectKey): Promise<undefined> {
    const woken = this.#known.get(name)
    if (woken === undefined) this.#going.delete(name)
    if (woken === undefined || decideReclaim(woken).kind === 'keep') return undefined
    const now = await this.#read(name)
    if (now === undefined) return undefined
    const { handle } = now
    if (handle === undefined) return undefined
    const volume: OurVolume = { ...now, handle }
    const decision = decideReclaim(volume)
    switch (decision.kind) {
      case 'keep':
        return undefined
      case 'delete':
        await this.#delete(volume)
        return undefined
      case 'remove':
        await this.#remove(volume)
        await this.#letGo(volume, 'logical volume removed')
        return undefined
      case 'letGo':
        await this.#letGo(volume, 'logical volume kept')
        return undefined
    }
  }

  async #read(name: string): Promise<PersistentVolumeView | undefined> {
    const object = await this.#ports.client.get<PersistentVolume>(PERSISTENT_VOLUMES, { name })
    return object === undefined ? undefined : viewPersistentVolume(object)
  }

  async #delete(volume: OurVolume): Promise<void> {
    const { name, uid, resourceVersion } = volume
    await this.#telling(volume, () => this.#find(volume, this.#referencesHere()))
    await atStep('delete-persistent-volume', () =>
      this.#ports.client.delete(PERSISTENT_VOLUMES, { name }, { uid, resourceVersion }),
    )
    this.#goesNow(volume)
    this.#ports.log.info('persistent volume deleted', { volume: name })
  }

  async #remove(volume: OurVolume): Promise<void> {
    const { volumes, log } = this.#ports
    const { name, handle } = volume
    const found = await this.#telling(volume, async () =>
      this.#find(volume, await this.#namesSinceItGoes(volume)),
    )
    if (found === undefined) return
    // the proof took a while: Retain, and whatever else was said meanwhile, counts
    if ((await this.#read(name))?.resourceVersion !== volume.resourceVersion)
      throw new Conflict(`PersistentVolume "${name}"`, 'has changed: decide again')
    const { claimUid, erase } = found.record
    const expected = { name: found.name, claimUid, erase }
    try {
      await this.#telling(volume, () => volumes.removeVolume(handle, expected))
    } finally {
      this.#classes.groupChanged(handle.groupUuid)
    }
    log.info('logical volume removed', { volume: name, handle: formatVolumeHandle(handle) })
  }

  /** The logical volume, proven to be this PersistentVolume's alone; undefined when it is gone. @throws Refused */
  async #find({ name, handle }: OurVolume, references: References): Promise<Removable | undefined> {
    const { client, volumes } = this.#ports
    const found = await volumes.findVolume(handle)
    if (found === undefined) return undefined
    const { record } = found
    const claim = { namespace: record?.claimNamespace ?? '', name: record?.claimName ?? '' }
    return requireRemovable({
      ...{ persistentVolume: name, found, clusterId: this.#identity.clusterId },
      namedBy: references.get(handle.volumeUuid) ?? [],
      madeFor:
        record === undefined
          ? undefined
          : await client.get<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, claim),
    })
  }

  /** Read after the PersistentVolume was deleted: an object that is made for the same data comes before that. */
  #namesSinceItGoes(volume: OurVolume): Promise<References> {
    const known = this.#going.get(volume.name)
    return this.#references.since(known?.uid === volume.uid ? known.sinceMs : this.#goesNow(volume))
  }

  #goesNow({ name, uid }: OurVolume): number {
    const sinceMs = performance.now()
    this.#going.set(name, { uid, sinceMs })
    return sinceMs
  }

  /** As the watch of this node has it: enough to leave an object alone, and not to remove a volume. */
  #referencesHere(): References {
    return referencesOf([...this.#known.entries()].map(([, view]) => view))
  }

  /** Tells people what keeps a logical volume; that it is gone keeps nothing. */
  async #telling<Result>(volume: OurVolume, work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work()
    } catch (error) {
      if (error instanceof VolumeNotFound) return undefined
      this.#warn(volume, messageOf(error))
      throw error
    }
  }

  /** Drops our finalizer under the version that was decided upon. */
  async #letGo(volume: OurVolume, why: string): Promise<void> {
    const { name, uid, resourceVersion } = volume
    const finalizers = volume.finalizers.filter((finalizer) => finalizer !== VOLUME_FINALIZER)
    const patch = { metadata: { uid, resourceVersion, finalizers } }
    try {
      await atStep('drop-finalizer', () =>
        this.#ports.client.patch(PERSISTENT_VOLUMES, { name }, patch, { type: 'merge' }),
      )
    } catch (error) {
      if (!(error instanceof NotFound)) throw error
    }
    this.#ports.log.info('persistent volume let go', { volume: name, why })
  }

  #warn(volume: OurVolume, message: string): void {
    this.#ports.log.warn('logical volume not removed', { volume: volume.name, detail: message })
    this.#ports.events.record({
      type: 'Warning',
      reason: 'VolumeFailedDelete',
      action: 'Remove',
      message: `its logical volume is not removed yet: ${message}`,
      regarding: { apiVersion: 'v1', kind: 'PersistentVolume', name: volume.name, uid: volume.uid },
    })
  }
}
