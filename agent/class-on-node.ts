import { describeLayout, legsOf, type Layout } from '../core/layout.ts'
import { allFreeExtents, largestVolumeExtents, usableExtents } from '../core/layout-size.ts'
import { largestThinVolumeExtents } from '../core/thin-size.ts'
import { freeDisksOf } from '../lvm/free-disks.ts'
import { isThinPool, poolFault, thinRoomOf } from '../lvm/thin-pool.ts'
import type { GroupReport } from '../lvm/report.ts'
import type { DiskVerdict, Inventory, VolumeGroup } from '../lvm/types.ts'
import type { ClassView } from './class-view.ts'

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
}

/** The numbers that are reported, to people and to the scheduler. */
export interface Capacity {
  readonly sizeBytes: bigint
  /** Of the group's disks that are open for new volumes. */
  readonly freeBytes: bigint
  /** What volumes of the class's layout can have of it together: less, where they hold data more than once. */
  readonly usableBytes: bigint
  readonly largestVolumeBytes: bigint
  readonly volumes: number
}

const NOTHING: Capacity = {
  sizeBytes: 0n,
  freeBytes: 0n,
  usableBytes: 0n,
  largestVolumeBytes: 0n,
  volumes: 0,
}

/** Problems that the group itself shows, and that end when it no longer does. */
const PASSING = [
  ...['DisksMissing', 'NotSeen', 'MetadataWentBack', 'VolumeGroupGone', 'Stuck', 'OutcomeUnknown'],
  ...['TooFewDisks', 'ThinPoolUnusable'],
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
const layoutOf = ({ storageClass }: ClassOnNode): Layout | undefined =>
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

/** One group of an inventory, with its volumes. */
export const reportOf = (group: VolumeGroup, { volumes }: Pick<Inventory, 'volumes'>): GroupReport => ({
  group,
  volumes: volumes.filter(({ handle }) => handle.groupUuid === group.uuid),
})

/** What has the name of the class's pool, and cannot be it. */
const unusablePool = (layout: Layout | undefined, report: GroupReport): Problem | undefined => {
  const fault = layout?.name === 'thin' ? poolFault(report, layout) : undefined
  if (layout?.name !== 'thin' || fault === undefined) return undefined
  const message =
    `"${report.group.name}/${layout.pool}" cannot be the thin pool of the class: ${fault}. Rename it (lvrename), or use a ` +
    `class that names another pool in "thinPool"`
  return { reason: 'ThinPoolUnusable', message }
}

/** Why the class can have no volume in a group that is well. */
const layoutProblem = (state: ClassOnNode, group: VolumeGroup, inventory: Inventory): Problem | undefined => {
  const layout = layoutOf(state)
  return tooFewDisks(layout, group) ?? unusablePool(layout, reportOf(group, inventory))
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

interface Room {
  readonly usableExtents: bigint
  readonly largestExtents: bigint
}

const NO_ROOM: Room = { usableExtents: 0n, largestExtents: 0n }

/** What volumes of that layout can be made of. Thin ones share the largest. */
const roomFor = (layout: Layout, group: VolumeGroup, inventory: Inventory): Room => {
  if (layout.name !== 'thin') {
    const disks = freeDisksOf(group)
    return {
      usableExtents: usableExtents(layout, disks),
      largestExtents: largestVolumeExtents(layout, disks),
    }
  }
  const room = thinRoomOf(reportOf(group, inventory), layout, inventory.poolUse ?? [])
  if (room === undefined) return NO_ROOM
  const largest = largestThinVolumeExtents(layout.overprovisionPermille, room)
  return { usableExtents: largest, largestExtents: largest }
}

/**
 * What may be allocated. A group with a problem offers nothing: a partial group reports free extents that lvcreate
 * then refuses.
 */
export const capacityOf = (state: ClassOnNode, inventory: Inventory): Capacity => {
  const { group, problem } = state
  if (group === undefined) return NOTHING
  const { sizeBytes, extentSizeBytes } = group
  const { volumes } = reportOf(group, inventory)
  const disks = problem === undefined ? freeDisksOf(group) : []
  const room =
    problem === undefined ? roomFor(layoutOf(state) ?? { name: 'linear' }, group, inventory) : NO_ROOM
  return {
    sizeBytes,
    freeBytes: allFreeExtents(disks) * extentSizeBytes,
    usableBytes: room.usableExtents * extentSizeBytes,
    largestVolumeBytes: room.largestExtents * extentSizeBytes,
    volumes: volumes.filter((volume) => !isThinPool(volume)).length,
  }
}
