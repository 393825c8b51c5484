import type { Stats } from 'node:fs'
import { lstat, rmdir, unlink } from 'node:fs/promises'

import { atStep } from '../core/failpoints.ts'
import { PathOccupied } from './errors.ts'
import type { NodeUnpublishVolumeRequest, NodeUnpublishVolumeResponse } from './gen/csi.ts'
import { holdParent, requirePath, type PathField } from './held-path.ts'
import type { NodeContext } from './node-context.ts'
import { codeOf } from './system-error.ts'
import type { UnaryHandler } from './unary.ts'
import { unmountVolume } from './unmount-volume.ts'
import { requirePresent } from './volume-id.ts'

const ADVICE = 'look at what is there, and remove it by hand if nobody needs it'

const lstatIfThere = (path: string): Promise<Stats | undefined> =>
  lstat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })

const removeDirectory = async (entry: string, place: PathField): Promise<void> => {
  try {
    await atStep('remove-mount-point', () => rmdir(entry))
  } catch (error) {
    if (codeOf(error) !== 'ENOTEMPTY') throw error
    throw new PathOccupied(place.path, 'the directory is not empty, and its files were left alone', ADVICE)
  }
}

/** Takes away the directory or file that NodePublishVolume made: only while it is empty. */
const removeTarget = async (place: PathField): Promise<void> => {
  await using parent = await holdParent(place)
  if (parent === undefined) return
  const found = await lstatIfThere(parent.entry)
  if (found === undefined) return
  if (found.isDirectory()) await removeDirectory(parent.entry, place)
  else if (found.isFile() && found.size === 0) await atStep('remove-mount-point', () => unlink(parent.entry))
  else
    throw new PathOccupied(
      place.path,
      'it is neither an empty file nor a directory, and was left alone',
      ADVICE,
    )
}

/**
 * NodeUnpublishVolume: unmounts the volume from the target path and removes the empty directory or file there. OK when
 * there is nothing to do, also for an id that Loam does not know. Never deletes what it did not make.
 */
export const nodeUnpublishVolume =
  (context: NodeContext): UnaryHandler<NodeUnpublishVolumeRequest, NodeUnpublishVolumeResponse> =>
  async ({ volumeId, targetPath }) => {
    requirePresent({ volume_id: volumeId, target_path: targetPath })
    const place = requirePath(context.kubeletDirectory, 'target_path', targetPath)
    await context.locks.run(volumeId, 'NodeUnpublishVolume', async () => {
      await unmountVolume(context, place, volumeId)
      await removeTarget(place)
    })
    return {}
  }
