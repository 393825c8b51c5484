import { PERSISTENT_VOLUMES } from '../kube/resources.ts'
import type { KubeClient } from '../kube/types.ts'
import { SharedRead } from '../lvm/shared-read.ts'
import {
  viewPersistentVolume,
  type PersistentVolume,
  type PersistentVolumeView,
} from './persistent-volume.ts'

/** Names of PersistentVolumes, by the UUID of the logical volume that they name. */
export type References = ReadonlyMap<string, readonly string[]>

/** Only the volume's UUID counts: LVM makes each but once, and which group it was in may be written down wrongly. */
export const referencesOf = (volumes: Iterable<PersistentVolumeView>): References => {
  const names = new Map<string, string[]>()
  for (const { name, handle } of volumes) {
    if (handle === undefined) continue
    const known = names.get(handle.volumeUuid)
    if (known === undefined) names.set(handle.volumeUuid, [name])
    else known.push(name)
  }
  return names
}

/** For so long a list serves those who only need one that is newer than something they know of. */
const BELIEVED_MS = 5000

/**
 * Which PersistentVolumes name which logical volumes, in the whole cluster, as a quorum of the control plane has it. What
 * the watch of this node shows leaves out those that do not carry its label, and no volume may die for that.
 */
export class VolumeReferences {
  readonly #read: SharedRead<References>
  readonly #now: () => number
  #newest: { readonly references: References; readonly beganAtMs: number } | undefined
  #forgetting: NodeJS.Timeout | undefined

  /** `now` gives milliseconds of a clock that never jumps. */
  constructor(client: KubeClient, now: () => number = () => performance.now()) {
    this.#now = now
    this.#read = new SharedRead(async () => {
      const beganAtMs = now()
      const found: PersistentVolumeView[] = []
      await client.list<PersistentVolume>(PERSISTENT_VOLUMES, {}, (object) => {
        const view = viewPersistentVolume(object)
        if (view.handle !== undefined) found.push(view)
      })
      const references = referencesOf(found)
      this.#keep(references, beganAtMs)
      return references
    })
  }

  /** As they were at some moment after the call. Costs a list of all PersistentVolumes, shared by who asks meanwhile. */
  fresh(): Promise<References> {
    return this.#read.fresh()
  }

  /**
   * As they were at some moment after `momentMs`, and at most 5 s ago: volumes that are removed together share a list
   * also when their removals take turns.
   */
  since(momentMs: number): Promise<References> {
    const { references, beganAtMs = Number.NEGATIVE_INFINITY } = this.#newest ?? {}
    const isBelieved = beganAtMs >= momentMs && this.#now() - beganAtMs < BELIEVED_MS
    return references !== undefined && isBelieved ? Promise.resolve(references) : this.fresh()
  }

  /** Not for longer than it serves: it has the volumes of all nodes. */
  #keep(references: References, beganAtMs: number): void {
    this.#newest = { references, beganAtMs }
    clearTimeout(this.#forgetting)
    this.#forgetting = setTimeout(() => (this.#newest = undefined), BELIEVED_MS).unref()
  }
}
