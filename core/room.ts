import type { Layout, LayoutName, PlacedLayout, ThinLayout } from './layout.ts'
import { largestVolumeExtents, withoutExtents, withoutVolume, type FreeDisk } from './layout-size.ts'
import {
  extentsTakenBy,
  largestThinVolumeExtents,
  planThinRoom,
  type NewPool,
  type PoolSpace,
} from './thin-size.ts'

/** What needs runs of extents on several disks goes first; of what lies anywhere, at last, only the sum matters. */
const PLANNING_ORDER: readonly LayoutName[] = [
  'raid10',
  'raid6',
  'raid5',
  'raid1',
  'striped',
  'thin',
  'linear',
]

/** What a volume group has for new volumes, as far as it has to be known to plan them. */
export interface Room {
  readonly disks: readonly FreeDisk[]
  /** Thin pools that volumes may be made in, by name, those that the first volume brings included. */
  readonly pools: ReadonlyMap<string, PoolSpace | NewPool>
}

/** A volume that is to be made: `extents` as volumeExtents gives them for its layout. */
export interface WantedVolume {
  readonly layout: Layout
  readonly extents: bigint
}

/** What is left; or how large the first volume that does not fit could be at most, in extents. */
export type Planned = { readonly left: Room } | { readonly largest: bigint }

/** Volumes of one pool share what it can hold, so they are planned as one of their size together. */
const oneForEachPool = (wanted: readonly WantedVolume[]): WantedVolume[] => {
  const pools = new Map<string, WantedVolume>()
  const others: WantedVolume[] = []
  for (const volume of wanted) {
    const { layout, extents } = volume
    if (layout.name === 'thin') {
      const before = pools.get(layout.pool)?.extents ?? 0n
      pools.set(layout.pool, { layout, extents: before + extents })
    } else others.push(volume)
  }
  return [...others, ...pools.values()]
}

const planPlaced = (room: Room, layout: PlacedLayout, wanted: WantedVolume): Planned => {
  const disks = withoutVolume(layout, wanted.extents, room.disks)
  return disks === undefined
    ? { largest: largestVolumeExtents(layout, room.disks) }
    : { left: { ...room, disks } }
}

const planThin = (room: Room, layout: ThinLayout, wanted: WantedVolume): Planned => {
  const pool = room.pools.get(layout.pool)
  if (pool === undefined) return { largest: 0n }
  const { overprovisionPermille } = layout
  const thinRoom = { disks: room.disks, pool }
  const plan = planThinRoom(overprovisionPermille, wanted.extents, thinRoom)
  if (plan === undefined) return { largest: largestThinVolumeExtents(overprovisionPermille, thinRoom) }
  const virtualExtents = ('virtualExtents' in pool ? pool.virtualExtents : 0n) + wanted.extents
  const { describableExtents } = pool
  const after: PoolSpace = { dataExtents: plan.dataExtents, virtualExtents, describableExtents }
  return {
    left: {
      disks: withoutExtents(room.disks, extentsTakenBy(plan, thinRoom)),
      pools: new Map(room.pools).set(layout.pool, after),
    },
  }
}

const planOne = (room: Room, volume: WantedVolume): Planned => {
  const { layout } = volume
  return layout.name === 'thin' ? planThin(room, layout, volume) : planPlaced(room, layout, volume)
}

/**
 * The order in which volumes of one group are planned and made, so that what is planned is what comes about: LVM itself
 * picks the extents of thin pools and linear volumes.
 */
export const inPlanningOrder = <Wanted extends { readonly layout: Layout }>(
  wanted: readonly Wanted[],
): Wanted[] =>
  wanted.toSorted(
    (one, other) => PLANNING_ORDER.indexOf(one.layout.name) - PLANNING_ORDER.indexOf(other.layout.name),
  )

/** Whether all these volumes fit together, by the planning that the node itself does before it makes them. */
export const planVolumes = (room: Room, wanted: readonly WantedVolume[]): Planned => {
  let left = room
  for (const volume of inPlanningOrder(oneForEachPool(wanted))) {
    const planned = planOne(left, volume)
    if ('largest' in planned) return planned
    left = planned.left
  }
  return { left }
}

/** What is left when these volumes are made. One that does not fit takes nothing: it will be refused. */
export const withoutVolumes = (room: Room, coming: readonly WantedVolume[]): Room =>
  inPlanningOrder(coming).reduce((left, volume) => {
    const planned = planOne(left, volume)
    return 'left' in planned ? planned.left : left
  }, room)

/** Extents of the largest volume of a layout that fits. */
export const largestExtents = (room: Room, layout: Layout): bigint => {
  if (layout.name !== 'thin') return largestVolumeExtents(layout, room.disks)
  const pool = room.pools.get(layout.pool)
  return pool === undefined
    ? 0n
    : largestThinVolumeExtents(layout.overprovisionPermille, { disks: room.disks, pool })
}
