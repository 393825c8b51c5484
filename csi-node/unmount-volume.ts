import { parseVolumeHandle } from '../core/naming.ts'
import type { Mount } from '../lvm/mounts.ts'
import { MountFailed, PathOccupied } from './errors.ts'
import { holdParent, type PathField } from './held-path.ts'
import { mountAt, readMounts } from './mount-table.ts'
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

/**
 * Unmounts the volume from the path, all of it when it was mounted there more than once. Nothing to do when nothing is
 * mounted there. @throws PathOccupied, MountInUse, MountFailed, InvalidField.
 */
export const unmountVolume = async (
  context: NodeContext,
  place: PathField,
  volumeId: string,
): Promise<void> => {
  for (let layer = 0; layer < MAX_LAYERS; layer++) {
    const mount = mountAt(await readMounts(), place.path)
    if (mount === undefined) return
    await requireOwn(mount, volumeId)
    await using parent = await holdParent(place)
    if (parent === undefined) throw new MountFailed(place.path, 'it is mounted, and its directory is gone')
    await context.mounts.unmount({ target: parent.entry, shownPath: place.path })
  }
  throw new MountFailed(place.path, `it is still mounted after ${MAX_LAYERS} times umount`)
}
