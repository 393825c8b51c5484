import { parseVolumeHandle, type VolumeHandle } from '../core/naming.ts'
import { NotFound, Refused } from '../lvm/errors.ts'
import type { DeleteVolumeRequest, DeleteVolumeResponse } from './gen/csi.ts'
import type { NodeContext } from './node-context.ts'
import { isOurs } from './our-volumes.ts'
import type { UnaryHandler } from './unary.ts'
import { requirePresent } from './volume-id.ts'

/** @throws Refused for a volume that no CSI call made, or that is not known to be ours; InUse, Frozen. */
const removeIfOurs = async ({ volumes }: NodeContext, handle: VolumeHandle): Promise<void> => {
  const found = await volumes.findVolume(handle)
  if (found === undefined) return
  const object = `logical volume "${found.groupName}/${found.name}"`
  const { record } = found
  // one that an earlier call began to erase is gone on with
  const isKnown = record?.state === 'erasing' || isOurs(await volumes.inventory(), found)
  if (record === undefined || !isKnown)
    throw new Refused(object, 'it is not known to be a volume of the cluster that its group belongs to')
  if (record.madeBy !== 'csi')
    throw new Refused(object, 'it was made for a PersistentVolumeClaim, not by a CSI call', {
      advice: 'delete its claim, or its PersistentVolume: the agent then erases and removes it',
    })
  const { claimUid, erase } = record
  await volumes.removeVolume(handle, { name: found.name, claimUid, erase })
}

/** DeleteVolume: erases and removes a volume that CreateVolume made. OK when it is gone, or never was. */
export const deleteVolume =
  (context: NodeContext): UnaryHandler<DeleteVolumeRequest, DeleteVolumeResponse> =>
  async ({ volumeId }) => {
    requirePresent({ volume_id: volumeId })
    const handle = parseVolumeHandle(volumeId)
    if (handle === undefined) return {}
    await context.locks.run(volumeId, 'DeleteVolume', async () => {
      try {
        await removeIfOurs(context, handle)
      } catch (error) {
        // its group is not on this node either
        if (!(error instanceof NotFound)) throw error
      }
    })
    return {}
  }
