import { formatVolumeHandle, TOPOLOGY_KEY } from '../core/naming.ts'
import { clusterOfGroup, type VolumeRecord } from '../core/volume-tags.ts'
import type { Inventory, LogicalVolume, VolumeGroup } from '../lvm/types.ts'
import { UnknownVolume } from './errors.ts'
import type { Topology, Volume } from './gen/csi.ts'
import { requireHandle } from './volume-id.ts'

/** A group that Loam made, and the cluster that it belongs to: its own tags say so. */
export interface OurGroup {
  readonly group: VolumeGroup
  readonly clusterId: string
}

export type OurVolume = LogicalVolume & { readonly record: VolumeRecord }

const ownedBy = (group: VolumeGroup): OurGroup | undefined => {
  const clusterId = clusterOfGroup(group.tags)
  return clusterId === undefined ? undefined : { group, clusterId }
}

/** Groups that may be used for new volumes: those that miss disks, or cannot be read now, are not among them. */
export const usableGroups = ({ groups, unseen }: Inventory): readonly OurGroup[] =>
  groups
    .filter(
      ({ uuid, missingPhysicalVolumes }) =>
        missingPhysicalVolumes === 0 && !unseen.some((each) => each.uuid === uuid),
    )
    .flatMap((group) => ownedBy(group) ?? [])

/** A volume that is provably one of Loam's and of its group's cluster, and is not on its way out. */
export const isOurs = (inventory: Inventory, volume: LogicalVolume): volume is OurVolume => {
  const group = inventory.groups.find(({ uuid }) => uuid === volume.handle.groupUuid)
  const { record } = volume
  return (
    record !== undefined &&
    record.state !== 'erasing' &&
    clusterOfGroup(group?.tags ?? []) === record.clusterId
  )
}

/** The volume with that id. @throws UnknownVolume when there is none that is ours. */
export const requireOurVolume = (inventory: Inventory, volumeId: string): OurVolume => {
  const { volumeUuid } = requireHandle(volumeId)
  const volume = inventory.volumes.find(({ handle }) => handle.volumeUuid === volumeUuid)
  if (volume !== undefined && isOurs(inventory, volume)) return volume
  throw new UnknownVolume(volumeId, 'there is no such logical volume of Loam on this node')
}

/** The topology segment of a node, whose name is its value. */
export const topologyOf = (nodeName: string): Topology => ({ segments: { [TOPOLOGY_KEY]: nodeName } })

/** A volume as CSI describes it: it is on this node only. */
export const describeVolume = (
  { handle, sizeBytes }: LogicalVolume,
  nodeName: string,
  volumeContext: Record<string, string> = {},
): Volume => ({
  volumeId: formatVolumeHandle(handle),
  capacityBytes: sizeBytes,
  volumeContext,
  accessibleTopology: [topologyOf(nodeName)],
})
