import { nodeLocalStorageName } from '../core/naming.ts'
import type { ReadableParameters } from '../core/parameters.ts'
import { formatQuantity } from '../core/quantity.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import { markOf } from '../lvm/history.ts'
import type { LogicalVolume, ThinPoolUse, VolumeGroup } from '../lvm/types.ts'
import { reportOf } from '../lvm/group-room.ts'
import type { Capacity, ClassOnNode, Problem } from './class-on-node.ts'
import { conditionsFor, type Facts } from './conditions.ts'
import { degradedVolumes } from './degraded-volumes.ts'
import { diskStatuses } from './disk-status.ts'
import type { Identity } from './ports.ts'
import type { RoomStatus } from './report-room.ts'
import { thinPoolProblem, thinPoolStatuses, type ThinPoolStatus } from './thin-pools.ts'
import type { unclaimedVolumes } from './unclaimed-volumes.ts'

type Status = NonNullable<NodeLocalStorage['status']>

const API_VERSION = 'loam.storage/v1alpha1'
const KIND = 'NodeLocalStorage'

/** A new object for a class on this node. */
export const nodeLocalStorageFor = (
  identity: Identity,
  storageClassName: string,
  parameters: Pick<ReadableParameters, 'volumeGroup' | 'layout'>,
  paths: readonly string[],
): NodeLocalStorage => ({
  apiVersion: API_VERSION,
  kind: KIND,
  metadata: { name: nodeLocalStorageName(storageClassName, identity.nodeName) },
  spec: {
    nodeName: identity.nodeName,
    storageClassName,
    volumeGroup: parameters.volumeGroup,
    layout: parameters.layout.name,
    disks: paths.map((path) => ({ path })),
  },
})

/**
 * What `spec` should become when the class wants more than it says; undefined when nothing is to change. Disks are
 * only ever added: an administrator may have added some that the class does not list.
 */
export const specPatch = (
  existing: NodeLocalStorage,
  wanted: NodeLocalStorage,
): { metadata: { resourceVersion: string }; spec: Partial<NodeLocalStorage['spec']> } | undefined => {
  const have = existing.spec.disks ?? []
  const added = (wanted.spec.disks ?? []).filter((disk) => !have.some((other) => other.path === disk.path))
  const isSame =
    existing.spec.volumeGroup === wanted.spec.volumeGroup && existing.spec.layout === wanted.spec.layout
  if (added.length === 0 && isSame) return undefined
  return {
    metadata: { resourceVersion: existing.metadata.resourceVersion ?? '' },
    spec: { volumeGroup: wanted.spec.volumeGroup, layout: wanted.spec.layout, disks: [...have, ...added] },
  }
}

interface StatusParts {
  readonly existing: NodeLocalStorage
  readonly state: ClassOnNode
  readonly capacity: Capacity
  /** Undefined while the group takes no new volumes. */
  readonly room: RoomStatus | undefined
  readonly volumes: readonly LogicalVolume[]
  /** None are known when absent. */
  readonly poolUse?: readonly ThinPoolUse[]
  readonly unclaimed: ReturnType<typeof unclaimedVolumes>
  readonly now: Date
  readonly ownNodeProblem?: Facts['ownNodeProblem']
}

const groupStatus = (
  group: VolumeGroup,
  { capacity, volumes }: StatusParts,
): NonNullable<Status['volumeGroup']> => ({
  name: group.name,
  uuid: group.uuid,
  size: formatQuantity(capacity.sizeBytes),
  free: formatQuantity(capacity.freeBytes),
  largestVolume: formatQuantity(capacity.largestVolumeBytes),
  extentSize: formatQuantity(group.extentSizeBytes),
  volumes: capacity.volumes,
  missingDisks: group.missingPhysicalVolumes,
  ...markOf({ group, volumes }),
})

/**
 * The group as it is. A group that is not to be seen stays in the status with nothing to offer: its UUID is what keeps
 * a second group from being made while the disks of the first are away.
 */
const volumeGroupOf = (parts: StatusParts): Pick<Status, 'volumeGroup'> => {
  const { group } = parts.state
  if (group !== undefined) return { volumeGroup: groupStatus(group, parts) }
  const known = parts.existing.status?.volumeGroup
  return known === undefined ? {} : { volumeGroup: { ...known, free: '0', largestVolume: '0' } }
}

/** The thin pools of a group that is to be seen. */
const thinPoolsOf = ({
  state: { group },
  volumes,
  poolUse = [],
}: StatusParts): { readonly thinPools?: ThinPoolStatus[]; readonly problem?: Problem | undefined } => {
  if (group === undefined) return {}
  const report = reportOf(group, { volumes })
  const thinPools = thinPoolStatuses(report, poolUse)
  return thinPools.length === 0 ? {} : { thinPools, problem: thinPoolProblem(report, poolUse) }
}

/** The whole status, to be applied with server-side apply. */
export const statusFor = (parts: StatusParts): NodeLocalStorage => {
  const { existing, state, now, unclaimed, room } = parts
  const { thinPools, problem: poolProblem } = thinPoolsOf(parts)
  const { generation } = state
  const time = now.toISOString().replace(/\.\d+Z$/, 'Z')
  const disks = diskStatuses(state.disks, existing)
  const facts = {
    groupName: existing.spec.volumeGroup,
    problem: state.problem,
    listProblem: state.listProblem,
    // That none was looked at says nothing when some are listed.
    disks: disks.length === 0 && (existing.spec.disks ?? []).length > 0 ? undefined : disks,
    unclaimed: unclaimed.names,
    degraded: degradedVolumes(parts.volumes.filter(({ handle }) => handle.groupUuid === state.group?.uuid)),
    thinPoolProblem: poolProblem,
    ownNodeProblem: parts.ownNodeProblem,
  }
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name: existing.metadata.name ?? '' },
    spec: existing.spec,
    status: {
      observedGeneration: generation,
      lastReportTime: time,
      ...volumeGroupOf(parts),
      disks,
      ...(room === undefined ? {} : { room }),
      ...(unclaimed.items.length === 0 ? {} : { unclaimedVolumes: [...unclaimed.items] }),
      ...(thinPools === undefined ? {} : { thinPools }),
      conditions: conditionsFor(facts, { previous: existing.status?.conditions ?? [], generation, time }),
    },
  }
}
