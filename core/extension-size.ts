import { largestVolumeExtents, longestRun, placeVolume, shortestRunFor } from './layout-size.ts'
import type { FreeDisk, Placement } from './layout-size.ts'
import type { PlacedLayout } from './layout.ts'

type Raid = 'raid1' | 'raid5' | 'raid6' | 'raid10'

/** How a volume that is there lies on the disks, as far as it decides how the volume can be made larger. */
export type VolumeShape =
  | Extract<PlacedLayout, { name: 'linear' }>
  | { readonly name: 'striped'; readonly stripes: number; readonly stripeSizeBytes: bigint }
  /** `legDisks`: the disk of each leg, no disk twice. */
  | { readonly name: Raid; readonly legDisks: readonly string[] }

/** How many of the legs it takes to hold the data once (lvmraid(7)). */
const DATA_LEGS: Readonly<Record<Raid, (legs: number) => number>> = {
  raid1: () => 1,
  raid5: (legs) => legs - 1,
  raid6: (legs) => legs - 2,
  raid10: (legs) => legs / 2,
}

/** How many legs the extents of a volume are spread over: it grows by whole multiples of that. */
export const dataLegsOf = (shape: VolumeShape): bigint => {
  if (shape.name === 'linear') return 1n
  if (shape.name === 'striped') return BigInt(shape.stripes)
  return BigInt(DATA_LEGS[shape.name](shape.legDisks.length))
}

const legRoom = (path: string, disks: readonly FreeDisk[]): bigint => {
  const disk = disks.find((each) => each.path === path)
  return disk === undefined ? 0n : longestRun(disk)
}

/**
 * Extents by which a volume can grow. A linear one takes free extents anywhere; of a striped one the new part is placed as
 * a new volume would be; each leg of a RAID volume grows on its own disk, by one run of extents, so the disk with the
 * least room bounds it.
 */
export const largestExtensionExtents = (shape: VolumeShape, disks: readonly FreeDisk[]): bigint => {
  if (!('legDisks' in shape)) return largestVolumeExtents(shape, disks)
  const rooms = shape.legDisks.map((path) => legRoom(path, disks))
  const least = rooms.reduce((smallest, room) => (room < smallest ? room : smallest))
  return least * dataLegsOf(shape)
}

/**
 * The places of the extents that a volume gets in addition; none are named for a linear one, which LVM places. Undefined
 * when they do not fit.
 */
export const placeExtension = (
  shape: VolumeShape,
  extents: bigint,
  disks: readonly FreeDisk[],
): readonly Placement[] | undefined => {
  if (!('legDisks' in shape)) return placeVolume(shape, extents, disks)
  const count = extents / dataLegsOf(shape)
  const places = shape.legDisks.flatMap((path) => {
    const disk = disks.find((each) => each.path === path)
    const run = disk === undefined ? undefined : shortestRunFor(disk, count)
    return run === undefined ? [] : [{ path, run: { first: run.first, count } }]
  })
  return places.length === shape.legDisks.length ? places : undefined
}
