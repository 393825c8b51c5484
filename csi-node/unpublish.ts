import type { Stats } from 'node:fs'
import { lstat, rmdir, unlink } from 'node:fs/promises'

import { atStep } from '../core/failpoints.ts'
import { PathOccupied } from './errors.ts'
import type { NodeUnpublishVolumeRequest, NodeUnpublishVolumeResponse } from './gen/csi.ts'
import { holdParent, requirePath, type HeldParent } from './held-path.ts'
import type { NodeContext } from './node-context.ts'
import type { TargetKind } from './publish-target.ts'
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

/** What the kernel says when it removes nothing, and what that means. */
const KEPT: Readonly<Record<string, string>> = {
  ENOTEMPTY: 'the directory is not empty, and its files were left alone',
  EBUSY: 'something was mounted on it meanwhile, and was left alone',
  ENOTDIR: 'something else took the place of the directory meanwhile, and was left alone',
  EISDIR: 'a directory took the place of the file meanwhile, and was left alone',
}

const remove = async ({ entry, place }: HeldParent, kind: TargetKind): Promise<void> => {
  try {
    await atStep('remove-mount-point', () => (kind === 'directory' ? rmdir(entry) : unlink(entry)))
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return
    const what = code === undefined ? undefined : KEPT[code]
    throw what === undefined ? error : new PathOccupied(place.path, what, ADVICE)
  }
}

/** Takes away the directory or file that NodePublishVolume made: only while it is empty. */
const removeTarget = async (parent: HeldParent): Promise<void> => {
  const found = await lstatIfThere(parent.entry)
  if (found === undefined) return
  if (found.isDirectory()) await remove(parent, 'directory')
  else if (found.isFile() && found.size === 0) await remove(parent, 'file')
  else
    throw new PathOccupied(
      parent.place.path,
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
      await using parent = await holdParent(place)
      if (parent === undefined) return
      await unmountVolume(context, parent, volumeId)
      await removeTarget(parent)
    })
    return {}
  }
