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

/**
 * Which PersistentVolumes name which logical volumes, in the whole cluster, as a quorum of the control plane has it. What
 * the watch of this node shows leaves out those that do not carry its label, and no volume may die for that.
 */
export class VolumeReferences {
  readonly #read: SharedRead<References>

  constructor(client: KubeClient) {
    this.#read = new SharedRead(async () => {
      const found: PersistentVolumeView[] = []
      await client.list<PersistentVolume>(PERSISTENT_VOLUMES, {}, (object) => {
        const view = viewPersistentVolume(object)
        if (view.handle !== undefined) found.push(view)
      })
      return referencesOf(found)
    })
  }

  /** As they were at some moment after the call. Costs a list of all PersistentVolumes, shared by who asks meanwhile. */
  fresh(): Promise<References> {
    return this.#read.fresh()
  }
}
