import { describeLayout, legsOf, type Layout } from '../core/layout.ts'
import { freeDisksOf } from '../lvm/free-disks.ts'
import { groupRoomOf, NO_ROOM, reportOf, type GroupRoom } from '../lvm/group-room.ts'
import { findPool, isThinPool, poolFault } from '../lvm/thin-pool.ts'
import type { GroupReport } from '../lvm/report.ts'
import type { DiskVerdict, Inventory, VolumeGroup } from '../lvm/types.ts'
import type { ClassView } from '../kube/class-view.ts'

/** Why something is not as wanted: a condition's reason and message. */
export interface Problem {
  readonly reason: string
  readonly message: string
}

/** What one StorageClass has on this node, as last looked at. */
export interface ClassOnNode {
  readonly name: string
  /** Undefined when the class was deleted; its group and volumes stay. */
  readonly storageClass: ClassView | undefined
  readonly nodeUid: string
  /** The metadata.generation of its NodeLocalStorage that was looked at. */
  readonly generation: number
  /** None when they could not be looked at. */
  readonly disks: readonly DiskVerdict[]
  readonly group: VolumeGroup | undefined
  readonly problem: Problem | undefined
  /** Why the list of disks is not carried out, although the group is used as it is. */
  readonly listProblem?: Problem | undefined
}

/** What is to be told about one class, read at the moment of telling. */
export interface Findings {
  readonly state: ClassOnNode
  readonly inventory: Inventory
  /** UIDs of claims that got their PersistentVolumes here a moment ago; none when absent. */
  readonly servedClaims?: readonly string[]
}

/** The numbers that are reported, to people and to the scheduler. */
export interface Capacity extends GroupRoom {
  readonly sizeBytes: bigint
  readonly volumes: number
}

const NOTHING: Capacity = { sizeBytes: 0n, ...NO_ROOM, volumes: 0 }

/** Problems that the group itself shows, and that end when it no longer does. */
const PASSING = [
  ...['DisksMissing', 'NotSeen', 'MetadataWentBack', 'VolumeGroupGone', 'Stuck', 'OutcomeUnknown'],
  ...['TooFewDisks', 'ThinPoolUnusable', 'ThinCheckMissing'],
]

const problemNow = ({ name, uuid }: VolumeGroup, inventory: Inventory): Problem | undefined => {
  const unseen = inventory.unseen.find((candidate) => candidate.uuid === uuid)
  if (unseen !== undefined) return { reason: unseen.reason, message: unseen.message }
  const group = inventory.groups.find((candidate) => candidate.uuid === uuid)
  if (group === undefined) {
    const message = `volume group "${name}" (${uuid}) is not there any more; was it removed or renamed by hand?`
    return { reason: 'VolumeGroupGone', message }
  }
  if (group.missingPhysicalVolumes === 0) return undefined
  const missing = group.physicalVolumes.filter((disk) => disk.missing).map((disk) => disk.uuid)
  const message =
    `volume group "${name}" misses ${group.missingPhysicalVolumes} of ${group.physicalVolumes.length} disks ` +
    `(PhysicalVolume ${missing.join(', ')}): attach them again; no volume is made or removed until then`
  return { reason: 'DisksMissing', message }
}

/** The layout of a class that is there and could be read. */
export const layoutOf = ({ storageClass }: ClassOnNode): Layout | undefined =>
  storageClass !== undefined && 'parameters' in storageClass.settings
    ? storageClass.settings.parameters.layout
    : undefined

/** Each leg of a volume needs a disk of its own: with fewer disks the class can have no volume here, however small. */
const tooFewDisks = (layout: Layout | undefined, group: VolumeGroup): Problem | undefined => {
  const legs = layout === undefined ? undefined : legsOf(layout)
  const open = freeDisksOf(group).length
  if (layout === undefined || legs === undefined || legs.count <= open) return undefined
  const message =
    `volume group "${group.name}" has ${open} disks open for new volumes, and the class's layout is ` +
    `${describeLayout(layout)}: list more disks (kubectl edit nls), or use a class with another layout`
  return { reason: 'TooFewDisks', message }
}

/** What has the name of the class's pool, and cannot be it. */
const unusablePool = (layout: Layout | undefined, report: GroupReport): Problem | undefined => {
  const fault = layout?.name === 'thin' ? poolFault(report, layout) : undefined
  if (layout?.name !== 'thin' || fault === undefined) return undefined
  const message =
    `"${report.group.name}/${layout.pool}" cannot be the thin pool of the class: ${fault}. Rename it (lvrename), or use a ` +
    `class that names another pool in "thinPool"`
  return { reason: 'ThinPoolUnusable', message }
}

/** No pool is made without thin_check; one that is there goes on to be used. */
const noThinCheck = (
  layout: Layout | undefined,
  report: GroupReport,
  fault: string | undefined,
): Problem | undefined => {
  if (layout?.name !== 'thin' || fault === undefined || findPool(report, layout) !== undefined)
    return undefined
  const message =
    `thin pool "${report.group.name}/${layout.pool}" is not made without thin_check(8), which cannot be run: ${fault}; ` +
    'install the package thin-provisioning-tools (device-mapper-persistent-data) on the node'
  return { reason: 'ThinCheckMissing', message }
}

/** Why the class can have no volume in a group that is well. */
const layoutProblem = (state: ClassOnNode, group: VolumeGroup, inventory: Inventory): Problem | undefined => {
  const layout = layoutOf(state)
  const report = reportOf(group, inventory)
  return (
    tooFewDisks(layout, group) ??
    unusablePool(layout, report) ??
    noThinCheck(layout, report, inventory.thinCheckFault)
  )
}

/** The same state with the group as the newer inventory has it. A group that is not to be seen keeps its old numbers. */
export const refresh = (state: ClassOnNode, inventory: Inventory): ClassOnNode => {
  const { problem } = state
  if (state.group === undefined) return state
  const group = inventory.groups.find((candidate) => candidate.uuid === state.group?.uuid) ?? state.group
  const lasting = problem !== undefined && !PASSING.includes(problem.reason) ? problem : undefined
  return {
    ...state,
    group,
    problem: problemNow(group, inventory) ?? lasting ?? layoutProblem(state, group, inventory),
  }
}

/**
 * What may be allocated. A group with a problem offers nothing: a partial group reports free extents that lvcreate
 * then refuses. What volumes take that are being made is not offered any more.
 */
export const capacityOf = (state: ClassOnNode, inventory: Inventory): Capacity => {
  const { group, problem } = state
  if (group === undefined) return NOTHING
  const layout = layoutOf(state) ?? { name: 'linear' }
  return {
    sizeBytes: group.sizeBytes,
    ...(problem === undefined ? groupRoomOf(group, layout, inventory) : NO_ROOM),
    volumes: reportOf(group, inventory).volumes.filter((volume) => !isThinPool(volume)).length,
  }
}
