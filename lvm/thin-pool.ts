import type { ThinLayout } from '../core/layout.ts'
import {
  describableExtents,
  poolShapeFor,
  type NewPool,
  type PoolSpace,
  type ThinRoom,
} from '../core/thin-size.ts'
import { allFreeExtents } from '../core/layout-size.ts'
import { growthFor, isTooFull, type GrowingPool, type PoolGrowth } from '../core/thin-growth.ts'
import { clusterOfGroup, clusterOfPool } from '../core/volume-tags.ts'
import { freeDisksOf } from './free-disks.ts'
import type { GroupReport } from './report.ts'
import type { LogicalVolume, ThinPoolShape, ThinPoolUse } from './types.ts'

/** A volume that is a thin pool. */
export type ThinPool = LogicalVolume & { readonly pool: ThinPoolShape }

export const isThinPool = (volume: LogicalVolume): volume is ThinPool => volume.pool !== undefined

/** Whether it takes its space from a pool. */
export const isThin = ({ segmentType }: LogicalVolume): boolean => segmentType === 'thin'

const nameTakenBy = ({ volumes }: GroupReport, name: string): LogicalVolume | undefined =>
  volumes.find((volume) => volume.name === name)

/** Why what has the pool's name cannot be used as the pool, for people; undefined when it can, or nothing has it. */
export const poolFault = (report: GroupReport, { pool: name }: ThinLayout): string | undefined => {
  const found = nameTakenBy(report, name)
  if (found === undefined) return undefined
  if (!isThinPool(found)) return `its name is taken by a ${found.segmentType} volume`
  const cluster = clusterOfPool(found.tags)
  if (cluster === undefined || cluster !== clusterOfGroup(report.group.tags))
    return 'it was not made by Loam for this cluster'
  return found.pool.zeroes
    ? undefined
    : 'it does not zero chunks before it gives them away, so volumes would show what others wrote'
}

/** The pool of that name, when it can be used. */
export const findPool = (report: GroupReport, layout: ThinLayout): ThinPool | undefined => {
  const found = nameTakenBy(report, layout.pool)
  return found === undefined || !isThinPool(found) || poolFault(report, layout) !== undefined
    ? undefined
    : found
}

export const volumesOfPool = (
  { volumes }: Pick<GroupReport, 'volumes'>,
  { name }: ThinPool,
): LogicalVolume[] => volumes.filter(({ poolName }) => poolName === name)

/** The space of a pool, in extents. */
const poolSpaceOf = (report: GroupReport, pool: ThinPool): PoolSpace => {
  const { extentSizeBytes } = report.group
  const { metadataBytes, chunkBytes } = pool.pool
  const virtualBytes = volumesOfPool(report, pool).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n)
  return {
    dataExtents: pool.sizeBytes / extentSizeBytes,
    virtualExtents: virtualBytes / extentSizeBytes,
    describableExtents: describableExtents(metadataBytes, chunkBytes, extentSizeBytes),
  }
}

/** What a pool of this group is made with. LVM keeps one spare for all pools, as large as the largest metadata. */
export const newPoolFor = ({ group, volumes }: GroupReport): NewPool & { readonly chunkBytes: bigint } => {
  const { chunkBytes, metadataExtents } = poolShapeFor(group)
  const { extentSizeBytes } = group
  const spare = volumes
    .filter(isThinPool)
    .map(({ pool }) => pool.metadataBytes / extentSizeBytes)
    .reduce((largest, extents) => (extents > largest ? extents : largest), 0n)
  return {
    chunkBytes,
    metadataExtents,
    spareExtents: spare >= metadataExtents ? 0n : metadataExtents - spare,
    describableExtents: describableExtents(metadataExtents * extentSizeBytes, chunkBytes, extentSizeBytes),
  }
}

/**
 * What volumes of a thin class can be made of here; undefined when its pool takes none: something else has its name, or
 * it is too full.
 */
export const thinRoomOf = (
  report: GroupReport,
  layout: ThinLayout,
  use: readonly ThinPoolUse[],
): ThinRoom | undefined => {
  if (poolFault(report, layout) !== undefined) return undefined
  const disks = freeDisksOf(report.group)
  const pool = findPool(report, layout)
  if (pool === undefined) return { disks, pool: newPoolFor(report) }
  const space = poolSpaceOf(report, pool)
  const fullness = use.find(({ poolUuid }) => poolUuid === pool.handle.volumeUuid)
  return fullness !== undefined && isTooFull(space, fullness) ? undefined : { disks, pool: space }
}

/** What decides how a pool may grow. */
export const growingPoolOf = (report: GroupReport, pool: ThinPool): GrowingPool => ({
  ...poolSpaceOf(report, pool),
  extentSizeBytes: report.group.extentSizeBytes,
  metadataExtents: pool.pool.metadataBytes / report.group.extentSizeBytes,
  freeExtents: report.group.missingPhysicalVolumes > 0 ? 0n : allFreeExtents(freeDisksOf(report.group)),
})

/** Whether a pool is as it should be, or lacks space only: in any other mode a person has to look first. */
export const isHealthyMode = (mode: string): boolean => mode === 'rw' || mode === 'out_of_data_space'

/**
 * How a pool of that use should grow now; undefined when it should or can not. `pool` is looked up anew: its sizes may
 * be old. Pools that Loam did not make are left alone.
 */
export const growthOf = (report: GroupReport, pool: ThinPool, use: ThinPoolUse): PoolGrowth | undefined => {
  const now = report.volumes.find(({ handle }) => handle.volumeUuid === pool.handle.volumeUuid)
  if (now === undefined || !isThinPool(now) || clusterOfPool(now.tags) === undefined) return undefined
  if (!isHealthyMode(use.mode)) return undefined
  const growth = growthFor(growingPoolOf(report, now), use)
  return Object.keys(growth).length === 0 ? undefined : growth
}
