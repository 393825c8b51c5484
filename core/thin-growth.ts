/** How full a pool is that is in use. */
export interface PoolFullness {
  readonly dataPercent: number
  readonly metadataPercent: number
}

/** A pool, and what its group has left. */
export interface GrowingPool {
  readonly extentSizeBytes: bigint
  readonly dataExtents: bigint
  readonly virtualExtents: bigint
  readonly metadataExtents: bigint
  readonly freeExtents: bigint
}

/** From here on a pool is made larger. */
const GROW_DATA_AT_PERCENT = 80
const GROW_METADATA_AT_PERCENT = 75
/** From here on a pool that cannot be made larger gets no new volume. */
export const FULL_AT_PERCENT = 95

/** In steps, so that a report is not written for each percent. */
const STEP_PERCENT = 5
export const inSteps = (percent: number): number => Math.floor(percent / STEP_PERCENT) * STEP_PERCENT

/** By which part it grows at a time, and by how much at least: writers may be faster than many small steps. */
const DATA_STEP = 5n
const LEAST_DATA_STEP_BYTES = 1n << 30n
const METADATA_STEP = 4n

const least = (...values: [bigint, ...bigint[]]): bigint =>
  values.reduce((smallest, value) => (value < smallest ? value : smallest))

/** What a pool is to be made larger to; absent parts stay. */
export interface PoolGrowth {
  readonly dataExtents?: bigint
  readonly metadataExtents?: bigint
}

/** Volumes that are together no larger than the pool cannot fill it. */
const canRunFull = ({
  dataExtents,
  virtualExtents,
}: Pick<GrowingPool, 'dataExtents' | 'virtualExtents'>): boolean => virtualExtents > dataExtents

/** Whether it is so full that it should grow, whether or not it can. */
export const wantsData = (pool: GrowingPool, { dataPercent }: PoolFullness): boolean =>
  canRunFull(pool) && dataPercent >= GROW_DATA_AT_PERCENT

export const wantsMetadata = ({ metadataPercent }: PoolFullness): boolean =>
  metadataPercent >= GROW_METADATA_AT_PERCENT

/**
 * Data grows by a fifth, or by 1 GiB where that is more, never beyond what its volumes can fill; metadata by a quarter,
 * for which LVM enlarges its spare as well. Metadata comes first: a pool whose metadata is full is damaged, one whose data is full only waits.
 */
export const growthFor = (pool: GrowingPool, fullness: PoolFullness): PoolGrowth => {
  const metadataStep = pool.metadataExtents / METADATA_STEP + 1n
  const growsMetadata = wantsMetadata(fullness) && pool.freeExtents >= 2n * metadataStep
  const free = pool.freeExtents - (growsMetadata ? 2n * metadataStep : 0n)
  const usualStep = pool.dataExtents / DATA_STEP
  const leastStep = LEAST_DATA_STEP_BYTES / pool.extentSizeBytes
  const wantedStep = usualStep > leastStep ? usualStep : leastStep
  const dataStep = least(wantedStep, pool.virtualExtents - pool.dataExtents, free)
  return {
    ...(growsMetadata ? { metadataExtents: pool.metadataExtents + metadataStep } : {}),
    ...(wantsData(pool, fullness) && dataStep > 0n ? { dataExtents: pool.dataExtents + dataStep } : {}),
  }
}

/** Whether a new volume would make things worse. */
export const isTooFull = (
  pool: Pick<GrowingPool, 'dataExtents' | 'virtualExtents'>,
  { dataPercent, metadataPercent }: PoolFullness,
): boolean => metadataPercent >= FULL_AT_PERCENT || (canRunFull(pool) && dataPercent >= FULL_AT_PERCENT)
