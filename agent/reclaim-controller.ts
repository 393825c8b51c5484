import { messageOf } from '../core/errors.ts'
import { atStep } from '../core/failpoints.ts'
import { formatVolumeHandle, VOLUME_FINALIZER, type VolumeHandle } from '../core/naming.ts'
import { NotFound } from '../kube/errors.ts'
import { PERSISTENT_VOLUMES } from '../kube/resources.ts'
import type { ObjectKey, ObjectStore } from '../kube/types.ts'
import { NotFound as VolumeNotFound, Refused } from '../lvm/errors.ts'
import type { ClassKeeper } from './class-keeper.ts'
import {
  viewPersistentVolume,
  type PersistentVolume,
  type PersistentVolumeView,
} from './persistent-volume.ts'
import type { Ports } from './ports.ts'
import { decideReclaim } from './reclaim-decision.ts'

/** A PersistentVolume of Loam's, with its handle read. */
type OurVolume = PersistentVolumeView & { readonly handle: VolumeHandle }

/**
 * Ends PersistentVolumes of this node as their reclaim policy says. Every step starts from a fresh quorum read:
 * what the watch said only woke us.
 *
 * The DELETE with preconditions is the last moment at which a person can still change the policy: afterwards the
 * object is Terminating, and Retain, should somebody set it even then, is honoured once more before data dies.
 */
export class ReclaimController {
  readonly #ports: Ports
  readonly #known: ObjectStore<PersistentVolumeView>
  readonly #classes: ClassKeeper

  constructor(ports: Ports, known: ObjectStore<PersistentVolumeView>, classes: ClassKeeper) {
    this.#ports = ports
    this.#known = known
    this.#classes = classes
  }

  /** @throws whatever should be tried again with backoff. */
  async reconcile(name: ObjectKey): Promise<undefined> {
    const woken = this.#known.get(name)
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
        await this.#letGo(volume, 'reclaim policy is Retain: logical volume kept')
        return undefined
    }
  }

  async #read(name: string): Promise<PersistentVolumeView | undefined> {
    const object = await this.#ports.client.get<PersistentVolume>(PERSISTENT_VOLUMES, { name })
    return object === undefined ? undefined : viewPersistentVolume(object)
  }

  async #delete({ name, uid, resourceVersion }: OurVolume): Promise<void> {
    await atStep('delete-persistent-volume', () =>
      this.#ports.client.delete(PERSISTENT_VOLUMES, { name }, { uid, resourceVersion }),
    )
    this.#ports.log.info('persistent volume deleted', { volume: name })
  }

  async #remove(volume: OurVolume): Promise<void> {
    const { volumes, log } = this.#ports
    try {
      const found = await volumes.findVolume(volume.handle)
      if (found === undefined) return
      const { record } = found
      if (record === undefined)
        throw new Refused(
          `logical volume "${found.groupName}/${found.name}"`,
          'its tags cannot be read: it is not known to be ours',
        )
      const expected = { name: volume.name, claimUid: volume.name.replace(/^pvc-/, ''), erase: record.erase }
      await volumes.removeVolume(volume.handle, expected)
      log.info('logical volume removed', { volume: volume.name, handle: formatVolumeHandle(volume.handle) })
    } catch (error) {
      if (error instanceof VolumeNotFound) return
      this.#warn(volume, messageOf(error))
      throw error
    } finally {
      this.#classes.groupChanged(volume.handle.groupUuid)
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
