import { FULL_AT_PERCENT, inSteps, wantsData, wantsMetadata } from '../core/thin-growth.ts'
import { formatQuantity } from '../core/quantity.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import type { GroupReport } from '../lvm/report.ts'
import {
  growingPoolOf,
  growthOf,
  isHealthyMode,
  isThinPool,
  volumesOfPool,
  type ThinPool,
} from '../lvm/thin-pool.ts'
import type { ThinPoolUse } from '../lvm/types.ts'
import type { Problem } from './class-on-node.ts'

export type ThinPoolStatus = NonNullable<NonNullable<NodeLocalStorage['status']>['thinPools']>[number]

interface UsedPool {
  readonly pool: ThinPool
  /** Undefined while no volume of the pool is in use: then it cannot be seen, and does not change. */
  readonly use: ThinPoolUse | undefined
}

const poolsOf = ({ volumes }: GroupReport, use: readonly ThinPoolUse[]): UsedPool[] =>
  volumes
    .filter(isThinPool)
    .map((pool) => ({ pool, use: use.find(({ poolUuid }) => poolUuid === pool.handle.volumeUuid) }))

/** The thin pools of a group, with how far they are used. */
export const thinPoolStatuses = (report: GroupReport, use: readonly ThinPoolUse[]): ThinPoolStatus[] =>
  poolsOf(report, use).map(({ pool, use: found }) => {
    const volumes = volumesOfPool(report, pool)
    return {
      name: pool.name,
      size: formatQuantity(pool.sizeBytes),
      metadataSize: formatQuantity(pool.pool.metadataBytes),
      volumes: volumes.length,
      volumesSize: formatQuantity(volumes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n)),
      ...(found === undefined
        ? {}
        : {
            dataPercent: inSteps(found.dataPercent),
            metadataPercent: inSteps(found.metadataPercent),
          }),
    }
  })

const MORE_SPACE =
  'add a disk to the group, or delete volumes of it; files deleted in a volume free space after fstrim'

/** The first that is true of a pool, and what to do about it. */
const problemOf = (report: GroupReport, { pool, use }: UsedPool): Problem | undefined => {
  if (use === undefined) return undefined
  const object = `thin pool "${pool.groupName}/${pool.name}"`
  if (!isHealthyMode(use.mode))
    return {
      reason: 'ThinPoolFailed',
      message: `${object} is in mode ${use.mode}: its volumes take no writes. Stop the pods that use them, then run lvconvert --repair ${pool.groupName}/${pool.name} on the node`,
    }
  const space = growingPoolOf(report, pool)
  const growth = growthOf(report, pool, use) ?? {}
  const isShort = (wants: boolean, grows: bigint | undefined, percent: number): boolean =>
    wants && (grows === undefined || percent >= FULL_AT_PERCENT)
  if (isShort(wantsMetadata(use), growth.metadataExtents, use.metadataPercent))
    return {
      reason: 'ThinPoolMetadataNearFull',
      message: `metadata of ${object} is full to ${inSteps(use.metadataPercent)} % and could not be enlarged; when it is full, volumes are damaged: ${MORE_SPACE}`,
    }
  if (isShort(wantsData(space, use), growth.dataExtents, use.dataPercent))
    return {
      reason: 'ThinPoolNearFull',
      message: `${object} is full to ${inSteps(use.dataPercent)} % and could not be enlarged; when it is full, writes to its volumes wait for a minute and then fail: ${MORE_SPACE}`,
    }
  return undefined
}

/** What is wrong with the thin pools of a group: the reason of the first, and what to do about each. */
export const thinPoolProblem = (report: GroupReport, use: readonly ThinPoolUse[]): Problem | undefined => {
  const found = poolsOf(report, use).flatMap((pool) => problemOf(report, pool) ?? [])
  const [first] = found
  return first === undefined
    ? undefined
    : { reason: first.reason, message: found.map(({ message }) => message).join('; ') }
}
