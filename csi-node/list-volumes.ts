import { formatVolumeHandle, parseVolumeHandle } from '../core/naming.ts'
import type { LogicalVolume } from '../lvm/types.ts'
import { InvalidField, UnknownToken } from './errors.ts'
import type {
  ControllerGetVolumeRequest,
  ControllerGetVolumeResponse,
  ListVolumesRequest,
  ListVolumesResponse,
  VolumeCondition,
} from './gen/csi.ts'
import type { NodeContext } from './node-context.ts'
import { describeVolume, isOurs, requireOurVolume } from './our-volumes.ts'
import type { UnaryHandler } from './unary.ts'
import { requirePresent } from './volume-id.ts'

/** By LVM's word, as last read. */
const conditionOf = ({ health, name, groupName }: LogicalVolume): VolumeCondition =>
  health === ''
    ? { abnormal: false, message: 'LVM finds nothing wrong with it' }
    : { abnormal: true, message: `LVM says of "${groupName}/${name}": ${health}` }

const byId = (one: LogicalVolume, other: LogicalVolume): number =>
  formatVolumeHandle(one.handle) < formatVolumeHandle(other.handle) ? -1 : 1

/**
 * ListVolumes: the volumes of Loam on this node, whoever made them. A token is the id of the last volume that was given:
 * what is made or deleted between two pages moves no other.
 */
export const listVolumes =
  (context: NodeContext): UnaryHandler<ListVolumesRequest, ListVolumesResponse> =>
  async ({ maxEntries, startingToken }) => {
    if (maxEntries < 0) throw new InvalidField('max_entries', `${maxEntries}: allowed are 0 (all) and more`)
    if (startingToken !== '' && parseVolumeHandle(startingToken) === undefined)
      throw new UnknownToken(startingToken)
    const inventory = await context.volumes.inventory()
    const left = inventory.volumes
      .filter((volume) => isOurs(inventory, volume))
      .filter(({ handle }) => formatVolumeHandle(handle) > startingToken)
      .sort(byId)
    const page = maxEntries === 0 ? left : left.slice(0, maxEntries)
    const last = page.at(-1)
    return {
      entries: page.map((volume) => ({
        volume: describeVolume(volume, context.nodeName),
        status: { publishedNodeIds: [], volumeCondition: conditionOf(volume) },
      })),
      nextToken: last === undefined || page.length === left.length ? '' : formatVolumeHandle(last.handle),
    }
  }

/** ControllerGetVolume: one of them. */
export const controllerGetVolume =
  (context: NodeContext): UnaryHandler<ControllerGetVolumeRequest, ControllerGetVolumeResponse> =>
  async ({ volumeId }) => {
    requirePresent({ volume_id: volumeId })
    const volume = requireOurVolume(await context.volumes.inventory(), volumeId)
    return {
      volume: describeVolume(volume, context.nodeName),
      status: { publishedNodeIds: [], volumeCondition: conditionOf(volume) },
    }
  }
