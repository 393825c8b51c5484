import type { VolumeHandle } from '../core/naming.ts'
import type { NodeVolumes } from '../lvm/types.ts'
import type { MountCommands } from './mount-commands.ts'
import type { VolumeLocks } from './volume-locks.ts'

/** What the calls of the CSI node service work with. */
export interface NodeContext {
  readonly nodeName: string
  /** Staging and target paths lie beneath it. Absolute, normal form. */
  readonly kubeletDirectory: string
  readonly volumes: NodeVolumes
  readonly mounts: MountCommands
  readonly locks: VolumeLocks
  /**
   * Mount options that are written into the PersistentVolumes which name the volume. Undefined when none is known, also
   * while the copy of the cluster may be old.
   */
  readonly mountOptionsOf: (handle: VolumeHandle) => readonly string[] | undefined
  /** Told when kubelet has let go of a volume, which is no longer active here. */
  readonly onUnstaged: (handle: VolumeHandle) => void
}
