import type { Layout } from '../core/layout.ts'
import { TOPOLOGY_KEY } from '../core/naming.ts'
import { groupRoomOf, NO_ROOM, type GroupRoom } from '../lvm/group-room.ts'
import type { Inventory } from '../lvm/types.ts'
import { requireAccess } from './capability.ts'
import { requireParameters } from './class-parameters.ts'
import type { GetCapacityRequest, GetCapacityResponse, Topology } from './gen/csi.ts'
import type { NodeContext } from './node-context.ts'
import { usableGroups } from './our-volumes.ts'
import type { UnaryHandler } from './unary.ts'

const isHere = (topology: Topology | undefined, nodeName: string): boolean => {
  const segments = topology?.segments ?? {}
  return Object.keys(segments).length === 0 || segments[TOPOLOGY_KEY] === nodeName
}

interface Wanted {
  /** All groups when absent. */
  readonly groupName?: string
  readonly layout: Layout
}

const readWanted = (parameters: Readonly<Record<string, string>>): Wanted => {
  if (Object.keys(parameters).length === 0) return { layout: { name: 'linear' } }
  const { volumeGroup, layout } = requireParameters(parameters)
  return { groupName: volumeGroup, layout }
}

const sumOf = (inventory: Inventory, { groupName, layout }: Wanted): GroupRoom =>
  usableGroups(inventory)
    .filter(({ group }) => groupName === undefined || group.name === groupName)
    .map(({ group }) => groupRoomOf(group, layout, inventory))
    .reduce(
      (sum, room) => ({
        freeBytes: sum.freeBytes + room.freeBytes,
        usableBytes: sum.usableBytes + room.usableBytes,
        largestVolumeBytes:
          room.largestVolumeBytes > sum.largestVolumeBytes ? room.largestVolumeBytes : sum.largestVolumeBytes,
      }),
      NO_ROOM,
    )

/**
 * GetCapacity: what volumes of these parameters can have on this node, by the reckoning that the scheduler is told. Without
 * parameters, of all groups together, for linear volumes. Nothing for another node.
 */
export const getCapacity =
  (context: NodeContext): UnaryHandler<GetCapacityRequest, GetCapacityResponse> =>
  async ({ volumeCapabilities, parameters, accessibleTopology }) => {
    for (const capability of volumeCapabilities) requireAccess(capability)
    const wanted = readWanted(parameters)
    const room = isHere(accessibleTopology, context.nodeName)
      ? sumOf(await context.volumes.inventory(), wanted)
      : NO_ROOM
    return { availableCapacity: room.usableBytes, maximumVolumeSize: room.largestVolumeBytes }
  }
