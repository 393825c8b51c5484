import {
  allFreeExtents,
  divideRoundingUp,
  type ExtentRun,
  type FreeDisk,
  type Placement,
} from './layout-size.ts'

const KIB = 1024n
const MIB = 1024n * KIB
const GIB = 1024n * MIB

/** What one chunk costs in the pool's metadata, by LVM's own estimate (lvm2, lib/metadata/thin_manip.c). */
const METADATA_BYTES_PER_CHUNK = 64n
/** Twice the estimate, because snapshots need as much again. */
const RESERVE = 2n
const LEAST_METADATA_BYTES = 4n * MIB
/** The kernel uses a little less than 16 GiB (lvmthin(7), "Metadata space"). */
const MOST_METADATA_BYTES = 15n * GIB
/** LVM writes all of it with zeros when the pool is made; so much takes seconds. */
const USUAL_MOST_METADATA_BYTES = 2n * GIB
/** Small, because the rest of a chunk is zeroed at the first write to it. */
const LEAST_CHUNK_BYTES = 64n * KIB

const atLeast = (value: bigint, least: bigint): bigint => (value < least ? least : value)
const atMost = (value: bigint, most: bigint): bigint => (value > most ? most : value)

/** What a pool is made with. */
export interface PoolShape {
  /** A power of two from 64 KiB, never above the extent: volumes and pools are then whole chunks. */
  readonly chunkBytes: bigint
  readonly metadataExtents: bigint
}

const metadataBytesFor = (dataBytes: bigint, chunkBytes: bigint): bigint =>
  divideRoundingUp(dataBytes, chunkBytes) * METADATA_BYTES_PER_CHUNK * RESERVE

/** What a pool needs that may come to fill its group. */
export const poolShapeFor = (group: { sizeBytes: bigint; extentSizeBytes: bigint }): PoolShape => {
  const { sizeBytes, extentSizeBytes } = group
  let chunkBytes = LEAST_CHUNK_BYTES
  while (chunkBytes < extentSizeBytes && metadataBytesFor(sizeBytes, chunkBytes) > USUAL_MOST_METADATA_BYTES)
    chunkBytes *= 2n
  const metadataBytes = atMost(metadataBytesFor(sizeBytes, chunkBytes), MOST_METADATA_BYTES)
  return {
    chunkBytes,
    metadataExtents: divideRoundingUp(atLeast(metadataBytes, LEAST_METADATA_BYTES), extentSizeBytes),
  }
}

/** Extents of data that metadata of this size can describe however they are used. */
export const describableExtents = (
  metadataBytes: bigint,
  chunkBytes: bigint,
  extentSizeBytes: bigint,
): bigint => ((metadataBytes / METADATA_BYTES_PER_CHUNK) * chunkBytes) / extentSizeBytes

/** A pool that is there. */
export interface PoolSpace {
  readonly dataExtents: bigint
  /** Sizes of its volumes, all together. */
  readonly virtualExtents: bigint
  /** More data than this its metadata cannot describe. */
  readonly describableExtents: bigint
}

/** A pool that the first volume will bring. */
export interface NewPool {
  readonly metadataExtents: bigint
  /** What LVM keeps beside it for a repair, in the group; nothing when another pool's is large enough. */
  readonly spareExtents: bigint
  readonly describableExtents: bigint
}

/** What thin volumes can be made of. */
export interface ThinRoom {
  readonly disks: readonly FreeDisk[]
  readonly pool: PoolSpace | NewPool
}

const isThere = (pool: PoolSpace | NewPool): pool is PoolSpace => 'dataExtents' in pool

const overheadOf = ({ metadataExtents, spareExtents }: NewPool): bigint => metadataExtents + spareExtents

interface Place {
  readonly path: string
  readonly run: ExtentRun
}

/** The longest first. */
const runsOf = (disks: readonly FreeDisk[]): Place[] =>
  disks
    .flatMap(({ path, freeRuns }) => freeRuns.map((run) => ({ path, run })))
    .sort((one, other) => (one.run.count === other.run.count ? 0 : one.run.count > other.run.count ? -1 : 1))

/** Extents of data that the pool can come to have. Metadata and spare of a new one lie in one run with its first data. */
const largestDataExtents = ({ disks, pool }: ThinRoom): bigint => {
  const free = allFreeExtents(disks)
  if (isThere(pool))
    return atLeast(atMost(pool.dataExtents + free, pool.describableExtents), pool.dataExtents)
  const overhead = overheadOf(pool)
  const longest = runsOf(disks)[0]?.run.count ?? 0n
  return longest <= overhead ? 0n : atMost(free - overhead, pool.describableExtents)
}

const virtualExtentsOf = ({ pool }: ThinRoom): bigint => (isThere(pool) ? pool.virtualExtents : 0n)

/**
 * Extents of the largest thin volume that can be made: with it, the pool's volumes are together at most `permille`
 * thousandths of the largest data area that the pool can come to have.
 */
export const largestThinVolumeExtents = (permille: bigint, room: ThinRoom): bigint =>
  atLeast((largestDataExtents(room) * permille) / 1000n - virtualExtentsOf(room), 0n)

/** What has to be done to the pool before the volume is made. */
export interface PoolPlan {
  /** Where a new pool begins: one run for spare, metadata and its first data. */
  readonly make:
    { readonly place: Placement & { readonly run: ExtentRun }; readonly dataExtents: bigint } | undefined
  /** How large its data area has to be then; as it is, or larger. */
  readonly dataExtents: bigint
}

/** The shortest run that takes all of it, so that long ones stay for other layouts; else the longest. */
const beginPool = (disks: readonly FreeDisk[], pool: NewPool, dataExtents: bigint): PoolPlan['make'] => {
  const overhead = overheadOf(pool)
  const runs = runsOf(disks)
  const place = runs.findLast(({ run }) => run.count >= overhead + dataExtents) ?? runs[0]
  if (place === undefined) return undefined
  const count = atMost(place.run.count, overhead + dataExtents)
  return {
    place: { path: place.path, run: { first: place.run.first, count } },
    dataExtents: count - overhead,
  }
}

/** How the pool gets room for one more volume of that size; undefined when it cannot. */
export const planThinRoom = (permille: bigint, extents: bigint, room: ThinRoom): PoolPlan | undefined => {
  if (extents > largestThinVolumeExtents(permille, room)) return undefined
  const { disks, pool } = room
  const wanted = divideRoundingUp((virtualExtentsOf(room) + extents) * 1000n, permille)
  if (isThere(pool)) return { make: undefined, dataExtents: atLeast(wanted, pool.dataExtents) }
  return { make: beginPool(disks, pool, wanted), dataExtents: wanted }
}

/** Extents that a plan takes from the disks; where they come to lie does not matter to what is made after it. */
export const extentsTakenBy = ({ dataExtents }: PoolPlan, { pool }: ThinRoom): bigint =>
  isThere(pool) ? dataExtents - pool.dataExtents : overheadOf(pool) + dataExtents
