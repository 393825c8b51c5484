import { parseVolumeHandle } from '../core/naming.ts'
import type { Mount } from '../lvm/mounts.ts'
import { MountFailed, PathOccupied } from './errors.ts'
import { holdMounted } from './held-mount.ts'
import type { HeldParent } from './held-path.ts'
import { carriesVolume, isDeviceNode } from './mounted-volume.ts'
import type { NodeContext } from './node-context.ts'

/**
 * A bound device node may be unmounted whatever device it is: no data hangs on it, and it outlives its device, whose
 * number then says nothing any more. A file system has to be the volume's own.
 */
const requireOwn = async (mount: Mount, volumeId: string): Promise<void> => {
  if (isDeviceNode(mount)) return
  const handle = parseVolumeHandle(volumeId)
  if (handle !== undefined && (await carriesVolume(mount, handle))) return
  throw new PathOccupied(
    mount.mountPoint,
    `"${mount.source}" (${mount.fileSystemType}) is mounted there, and it is not volume "${volumeId}"; it was left alone`,
    'find out who mounted it, and unmount it by hand',
  )
}

/** More mounts on one path than a fault of ours could pile up. */
const MAX_LAYERS = 16

const isMounted = async (parent: HeldParent, volumeId: string): Promise<boolean> => {
  await using mounted = await holdMounted(parent)
  if (mounted === undefined) return false
  await requireOwn(mounted.mount, volumeId)
  return true
}

/**
 * Unmounts the volume from the path, all of it when it was mounted there more than once. Nothing to do when nothing is
 * mounted there. umount(8) gets a name within the held directory and no descriptor, which would keep the mount busy: the
 * kernel lets nobody rename or remove a name that something is mounted on.
 * @throws PathOccupied, MountInUse, MountFailed, InvalidField.
 */
export const unmountVolume = async (
  context: NodeContext,
  parent: HeldParent,
  volumeId: string,
): Promise<void> => {
  const { path } = parent.place
  for (let layer = 0; layer < MAX_LAYERS; layer++) {
    if (!(await isMounted(parent, volumeId))) return
    await context.mounts.unmount({ target: parent.entry, shownPath: path })
  }
  throw new MountFailed(path, `it is still mounted after ${MAX_LAYERS} times umount`)
}
