import type { FreeDisk } from '../core/layout-size.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import { afterCreations } from '../lvm/after-creations.ts'
import { freeDisksOf } from '../lvm/free-disks.ts'
import { reportOf } from '../lvm/group-room.ts'
import type { GroupReport } from '../lvm/report.ts'
import { thinRoomOf } from '../lvm/thin-pool.ts'
import type { Inventory } from '../lvm/types.ts'
import { layoutOf, type ClassOnNode, type Findings } from './class-on-node.ts'

export type RoomStatus = NonNullable<NonNullable<NodeLocalStorage['status']>['room']>

/** As the schema has them. */
const MAX_RUNS = 32
const MAX_CLAIMS = 1000

/**
 * The longest, in the order in which they lie: planning takes extents in that order, and what it leaves in one piece is not
 * the same in another.
 */
const longestRuns = (freeRuns: FreeDisk['freeRuns']): number[] => {
  const counts = freeRuns.map(({ count }) => Number(count))
  const kept = counts
    .map((count, at) => ({ count, at }))
    .sort((one, other) => other.count - one.count)
    .slice(0, MAX_RUNS)
  return kept.sort((one, other) => one.at - other.at).map(({ count }) => count)
}

const disksOf = (report: GroupReport): RoomStatus['disks'] =>
  freeDisksOf(report.group).map(({ freeRuns }) => ({ runs: longestRuns(freeRuns) }))

const thinPoolOf = (
  report: GroupReport,
  state: ClassOnNode,
  inventory: Inventory,
): Pick<RoomStatus, 'thinPool'> => {
  const layout = layoutOf(state)
  if (layout?.name !== 'thin') return {}
  const pool = thinRoomOf(report, layout, inventory.poolUse ?? [])?.pool
  if (pool === undefined) return {}
  const describable = Number(pool.describableExtents)
  return {
    thinPool:
      'dataExtents' in pool
        ? { describable, data: Number(pool.dataExtents), volumes: Number(pool.virtualExtents) }
        : { describable, metadata: Number(pool.metadataExtents), spare: Number(pool.spareExtents) },
  }
}

/** Claims whose volumes are counted, and that in the API may still be on their way. */
const countedClaimsOf = (
  { group, volumes }: GroupReport,
  { inventory: { inCreation = [] }, servedClaims = [] }: Findings,
): string[] => {
  const underWay = inCreation.filter(({ groupUuid }) => groupUuid === group.uuid)
  const made = volumes.filter(({ record }) => record?.state === 'new')
  const known = [...underWay, ...made].map(({ record }) => record?.claimUid ?? '')
  return [...new Set([...known, ...servedClaims])].sort().slice(0, MAX_CLAIMS)
}

/** What the scheduler process reckons with; undefined while the group takes no new volumes. */
export const roomOf = (findings: Findings): RoomStatus | undefined => {
  const { state, inventory } = findings
  const { group, problem } = state
  if (group === undefined || problem !== undefined) return undefined
  const { inCreation = [], poolUse = [] } = inventory
  const now = reportOf(group, inventory)
  const after = afterCreations(now, inCreation, poolUse)
  const countedClaims = countedClaimsOf(now, findings)
  return {
    disks: disksOf(after),
    ...thinPoolOf(after, state, inventory),
    ...(countedClaims.length === 0 ? {} : { countedClaims }),
  }
}
