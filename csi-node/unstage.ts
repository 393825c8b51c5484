import { parseVolumeHandle } from '../core/naming.ts'
import type { NodeUnstageVolumeRequest, NodeUnstageVolumeResponse } from './gen/csi.ts'
import { holdParent, requirePath, type PathField } from './held-path.ts'
import type { NodeContext } from './node-context.ts'
import type { UnaryHandler } from './unary.ts'
import { unmountVolume } from './unmount-volume.ts'
import { requirePresent } from './volume-id.ts'

const unmountFrom = async (context: NodeContext, place: PathField, volumeId: string): Promise<void> => {
  await using parent = await holdParent(place)
  if (parent !== undefined) await unmountVolume(context, parent, volumeId)
}

/**
 * NodeUnstageVolume: unmounts the volume from the staging path and deactivates it. OK when there is nothing to do,
 * also for an id that Loam does not know: kubelet repeats the call until it succeeds. The directory is the caller's.
 */
export const nodeUnstageVolume =
  (context: NodeContext): UnaryHandler<NodeUnstageVolumeRequest, NodeUnstageVolumeResponse> =>
  async ({ volumeId, stagingTargetPath }) => {
    requirePresent({ volume_id: volumeId, staging_target_path: stagingTargetPath })
    const place = requirePath(context.kubeletDirectory, 'staging_target_path', stagingTargetPath)
    await context.locks.run(volumeId, 'NodeUnstageVolume', async () => {
      await unmountFrom(context, place, volumeId)
      const handle = parseVolumeHandle(volumeId)
      if (handle === undefined) return
      await context.volumes.releaseVolume(handle)
      context.onUnstaged(handle)
    })
    return {}
  }
