import { legsOf, type Layout, type Legs, type PlacedLayout } from './layout.ts'

/** Consecutive extents of a disk, counted from its first. */
export interface ExtentRun {
  readonly first: bigint
  readonly count: bigint
}

/** A disk of a group, and the extents that may be given to new volumes. */
export interface FreeDisk {
  readonly path: string
  readonly freeRuns: readonly ExtentRun[]
}

/** Where a leg of a new volume comes to lie: anywhere on the disk, or in that run of extents. */
export interface Placement {
  readonly path: string
  readonly run: ExtentRun | undefined
}

const freeExtents = ({ freeRuns }: FreeDisk): bigint => freeRuns.reduce((sum, { count }) => sum + count, 0n)

/** Free extents of all disks together. */
export const allFreeExtents = (disks: readonly FreeDisk[]): bigint =>
  disks.reduce((total, disk) => total + freeExtents(disk), 0n)

export const longestRun = ({ freeRuns }: FreeDisk): bigint =>
  freeRuns.reduce((longest, { count }) => (count > longest ? count : longest), 0n)

/** Extents that one leg can have on a disk. */
const roomFor = ({ inOneRun }: Legs, disk: FreeDisk): bigint =>
  inOneRun ? longestRun(disk) : freeExtents(disk)

const compare = (one: bigint, other: bigint): number => (one === other ? 0 : one > other ? -1 : 1)

export const divideRoundingUp = (dividend: bigint, divisor: bigint): bigint =>
  (dividend + divisor - 1n) / divisor

/** Data extents that fit on each leg, when the legs go to the disks with most room. */
const extentsPerLeg = (legs: Legs, disks: readonly FreeDisk[]): bigint => {
  const rooms = disks.map((disk) => roomFor(legs, disk)).sort(compare)
  const extents = (rooms[legs.count - 1] ?? 0n) - legs.metadataExtents
  return extents > 0n ? extents : 0n
}

/**
 * Extents of the largest volume that fits. A linear volume is put together from free extents anywhere; every other
 * layout has each of its legs on one disk, so the disk with the least room of those that it needs bounds it.
 */
export const largestVolumeExtents = (layout: PlacedLayout, disks: readonly FreeDisk[]): bigint => {
  const legs = legsOf(layout)
  return legs === undefined ? allFreeExtents(disks) : extentsPerLeg(legs, disks) * BigInt(legs.dataLegs)
}

/** Extents of a volume that was asked for with so many bytes: whole extents, the same number on every data leg. */
export const volumeExtents = (layout: Layout, requestedBytes: bigint, extentSizeBytes: bigint): bigint => {
  const dataLegs = BigInt(legsOf(layout)?.dataLegs ?? 1)
  const perLeg = divideRoundingUp(divideRoundingUp(requestedBytes, extentSizeBytes), dataLegs)
  return (perLeg === 0n ? 1n : perLeg) * dataLegs
}

/** The shortest run that is long enough, so that long ones stay for large volumes. */
export const shortestRunFor = ({ freeRuns }: FreeDisk, extents: bigint): ExtentRun | undefined =>
  freeRuns
    .filter(({ count }) => count >= extents)
    .toSorted((one, other) => compare(other.count, one.count))[0]

/** Of the disks with room for a leg, those with most free extents. */
const placeLegs = (legs: Legs, dataExtents: bigint, disks: readonly FreeDisk[]): Placement[] => {
  const extents = dataExtents + legs.metadataExtents
  return disks
    .filter((disk) => roomFor(legs, disk) >= extents)
    .toSorted((one, other) => compare(freeExtents(one), freeExtents(other)))
    .slice(0, legs.count)
    .map((disk) => ({
      path: disk.path,
      run: legs.inOneRun ? { first: shortestRunFor(disk, extents)?.first ?? 0n, count: extents } : undefined,
    }))
}

/**
 * The places of a volume's legs; none are named for a linear volume, which LVM places. Undefined when it does not fit.
 */
export const placeVolume = (
  layout: PlacedLayout,
  extents: bigint,
  disks: readonly FreeDisk[],
): readonly Placement[] | undefined => {
  if (extents > largestVolumeExtents(layout, disks)) return undefined
  const legs = legsOf(layout)
  return legs === undefined ? [] : placeLegs(legs, extents / BigInt(legs.dataLegs), disks)
}

/** What is left of free runs when these extents are taken, from the start of the first run that is long enough. */
const take = (runs: readonly ExtentRun[], extents: bigint): ExtentRun[] => {
  let wanted = extents
  return runs.flatMap(({ first, count }) => {
    const taken = wanted < count ? wanted : count
    wanted -= taken
    return taken === count ? [] : [{ first: first + taken, count: count - taken }]
  })
}

const without = (disk: FreeDisk, { run }: Placement, extents: bigint): FreeDisk => ({
  ...disk,
  freeRuns:
    run === undefined
      ? take(disk.freeRuns, extents)
      : disk.freeRuns.flatMap((free) => (free.first === run.first ? take([free], extents) : [free])),
})

const withoutPlaces = (
  disks: readonly FreeDisk[],
  places: readonly Placement[],
  extents: bigint,
): FreeDisk[] => {
  const placed = new Map(places.map((place) => [place.path, place]))
  return disks.map((disk) => {
    const place = placed.get(disk.path)
    return place === undefined ? disk : without(disk, place, extents)
  })
}

/** The disks when so many extents are taken that may lie anywhere; which ones is not said. */
export const withoutExtents = (disks: readonly FreeDisk[], extents: bigint): FreeDisk[] => {
  let wanted = extents
  return disks.map((disk) => {
    const free = freeExtents(disk)
    const taken = wanted < free ? wanted : free
    wanted -= taken
    return { ...disk, freeRuns: take(disk.freeRuns, taken) }
  })
}

/** The disks when a volume of so many extents is made; undefined when it does not fit. */
export const withoutVolume = (
  layout: PlacedLayout,
  extents: bigint,
  disks: readonly FreeDisk[],
): readonly FreeDisk[] | undefined => {
  const places = placeVolume(layout, extents, disks)
  if (places === undefined) return undefined
  const legs = legsOf(layout)
  return legs === undefined
    ? withoutExtents(disks, extents)
    : withoutPlaces(disks, places, extents / BigInt(legs.dataLegs) + legs.metadataExtents)
}

/** Extents that volumes of this layout can have all together, when each is as large as can be. */
export const usableExtents = (layout: PlacedLayout, disks: readonly FreeDisk[]): bigint => {
  const legs = legsOf(layout)
  if (legs === undefined) return allFreeExtents(disks)
  let [left, total] = [disks, 0n]
  for (;;) {
    const perLeg = extentsPerLeg(legs, left)
    if (perLeg === 0n) return total
    total += perLeg * BigInt(legs.dataLegs)
    left = withoutPlaces(left, placeLegs(legs, perLeg, left), perLeg + legs.metadataExtents)
  }
}
