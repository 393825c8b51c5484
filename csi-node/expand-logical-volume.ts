import { volumeExtents } from '../core/layout-size.ts'
import type { LogicalVolume } from '../lvm/types.ts'
import { requireSizes, requireWithinLimit, type Sizes } from './capacity-range.ts'
import { InvalidField } from './errors.ts'
import type { ControllerExpandVolumeRequest, ControllerExpandVolumeResponse } from './gen/csi.ts'
import type { NodeContext } from './node-context.ts'
import { requireOurVolume } from './our-volumes.ts'
import type { UnaryHandler } from './unary.ts'
import { requirePresent } from './volume-id.ts'

/** No CSI call carries the class, which alone could allow more than the pool has. */
const NOT_OVERPROVISIONED = 1000n

const extend = async ({ volumes }: NodeContext, volumeId: string, sizes: Sizes): Promise<LogicalVolume> => {
  const inventory = await volumes.inventory()
  const volume = requireOurVolume(inventory, volumeId)
  const { handle } = volume
  if (volume.sizeBytes >= sizes.requiredBytes) {
    requireWithinLimit(sizes, volume.sizeBytes)
    return volume
  }
  const extentSizeBytes =
    inventory.groups.find(({ uuid }) => uuid === handle.groupUuid)?.extentSizeBytes ?? 1n
  const least = volumeExtents({ name: 'linear' }, sizes.requiredBytes, extentSizeBytes) * extentSizeBytes
  requireWithinLimit(sizes, least)
  return volumes.extendVolume({
    ...{ handle, sizeBytes: sizes.requiredBytes, overprovisionPermille: NOT_OVERPROVISIONED },
  })
}

/**
 * ControllerExpandVolume: makes the logical volume larger, by the same code as for a claim; the file system follows with
 * NodeExpandVolume. A thin volume becomes no larger than its pool has room for, whatever its class allows.
 */
export const controllerExpandVolume =
  (context: NodeContext): UnaryHandler<ControllerExpandVolumeRequest, ControllerExpandVolumeResponse> =>
  async ({ volumeId, capacityRange }) => {
    requirePresent({ volume_id: volumeId })
    if (capacityRange === undefined) throw new InvalidField('capacity_range', 'it is missing')
    const sizes = requireSizes(capacityRange)
    const volume = await context.locks.run(volumeId, 'ControllerExpandVolume', () =>
      extend(context, volumeId, sizes),
    )
    return { capacityBytes: volume.sizeBytes, nodeExpansionRequired: volume.record?.content !== 'block' }
  }
