import type { VolumeHandle } from '../core/naming.ts'
import { FILE_SYSTEMS } from '../core/volume-tags.ts'
import { MountFailed } from './errors.ts'
import type { HeldMount } from './held-mount.ts'
import type { NodeContext } from './node-context.ts'

/**
 * Makes the file system of a mount as large as its volume, which the caller has found to be this one. Nothing to do when
 * it is.
 */
export const growMounted = async (
  context: NodeContext,
  handle: VolumeHandle,
  { heldPath, mount: { mountPoint, fileSystemType } }: HeldMount,
): Promise<void> => {
  const type = FILE_SYSTEMS.find((known) => known === fileSystemType)
  if (type === undefined)
    throw new MountFailed(mountPoint, `${fileSystemType} is not a file system of Loam's`)
  await context.volumes.growFileSystem(handle, { type, mountPoint: heldPath })
}
