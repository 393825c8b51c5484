import type { Layout } from '../core/layout.ts'
import { allFreeExtents, largestVolumeExtents, usableExtents } from '../core/layout-size.ts'
import { largestThinVolumeExtents } from '../core/thin-size.ts'
import { afterCreations } from './after-creations.ts'
import { freeDisksOf } from './free-disks.ts'
import type { GroupReport } from './report.ts'
import { thinRoomOf } from './thin-pool.ts'
import type { Inventory, VolumeGroup } from './types.ts'

/** What a group has left for volumes of one layout. */
export interface GroupRoom {
  /** On the disks that are open for new volumes. */
  readonly freeBytes: bigint
  /** What volumes of the layout can have of it together: less, where they hold data more than once. */
  readonly usableBytes: bigint
  readonly largestVolumeBytes: bigint
}

export const NO_ROOM: GroupRoom = { freeBytes: 0n, usableBytes: 0n, largestVolumeBytes: 0n }

/** One group of an inventory, with its volumes. */
export const reportOf = (group: VolumeGroup, { volumes }: Pick<Inventory, 'volumes'>): GroupReport => ({
  group,
  volumes: volumes.filter(({ handle }) => handle.groupUuid === group.uuid),
})

interface Extents {
  readonly usable: bigint
  readonly largest: bigint
}

/** Thin volumes share the largest that there can be. */
const extentsFor = (layout: Layout, report: GroupReport, { poolUse = [] }: Inventory): Extents => {
  if (layout.name !== 'thin') {
    const disks = freeDisksOf(report.group)
    return { usable: usableExtents(layout, disks), largest: largestVolumeExtents(layout, disks) }
  }
  const room = thinRoomOf(report, layout, poolUse)
  const largest = room === undefined ? 0n : largestThinVolumeExtents(layout.overprovisionPermille, room)
  return { usable: largest, largest }
}

/**
 * What may be allocated in a group of this inventory. What volumes take that are being made is not offered any more. Whether
 * the group may be used at all is the caller's question: one that misses disks reports extents that lvcreate refuses.
 */
export const groupRoomOf = (group: VolumeGroup, layout: Layout, inventory: Inventory): GroupRoom => {
  const { inCreation = [], poolUse = [] } = inventory
  const after = afterCreations(reportOf(group, inventory), inCreation, poolUse)
  const { usable, largest } = extentsFor(layout, after, inventory)
  const { extentSizeBytes } = group
  return {
    freeBytes: allFreeExtents(freeDisksOf(after.group)) * extentSizeBytes,
    usableBytes: usable * extentSizeBytes,
    largestVolumeBytes: largest * extentSizeBytes,
  }
}
