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
}
