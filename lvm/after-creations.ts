import { LoamError } from '../core/errors.ts'
import type { ThinLayout } from '../core/layout.ts'
import { volumeExtents, withoutExtents, withoutVolume } from '../core/layout-size.ts'
import { inPlanningOrder } from '../core/room.ts'
import { extentsTakenBy } from '../core/thin-size.ts'
import { freeDisksOf } from './free-disks.ts'
import { planThinVolume } from './make-thin-room.ts'
import type { GroupReport } from './report.ts'
import { missingFrom, withFree } from './room-together.ts'
import { findPool, thinRoomOf } from './thin-pool.ts'
import type { CreateVolumeRequest, LogicalVolume, ThinPoolUse } from './types.ts'

/** Stands for a thin volume that is not made yet: only its size and its pool count. */
const placeholderFor = (
  { name, groupName, groupUuid, record }: CreateVolumeRequest,
  poolName: string,
  sizeBytes: bigint,
): LogicalVolume => ({
  ...{ handle: { groupUuid, volumeUuid: '' }, groupName, name, sizeBytes, tags: [], record },
  ...{ active: false, open: false, segmentType: 'thin', health: '', syncPercent: undefined, poolName },
})

const withThin = (
  report: GroupReport,
  request: CreateVolumeRequest,
  layout: ThinLayout,
  use: readonly ThinPoolUse[],
): GroupReport => {
  const plan = planThinVolume(report, { ...request, layout }, use)
  const room = thinRoomOf(report, layout, use)
  const taken = room === undefined ? 0n : extentsTakenBy(plan, room)
  const left = withFree(report, withoutExtents(freeDisksOf(report.group), taken))
  const pool = findPool(report, layout)
  // of a pool that is to be made as well only the space is counted: what more it will hold is told when it is there
  if (pool === undefined) return left
  const grown = { ...pool, sizeBytes: pool.sizeBytes + taken * report.group.extentSizeBytes }
  const others = left.volumes.filter((volume) => volume !== pool)
  return { ...left, volumes: [...others, grown, placeholderFor(request, layout.pool, plan.sizeBytes)] }
}

const withOne = (
  report: GroupReport,
  request: CreateVolumeRequest,
  use: readonly ThinPoolUse[],
): GroupReport => {
  const { layout } = request
  if (layout.name === 'thin') return withThin(report, request, layout, use)
  const extents = volumeExtents(layout, request.sizeBytes, report.group.extentSizeBytes)
  const left = withoutVolume(layout, extents, freeDisksOf(report.group))
  return left === undefined ? report : withFree(report, left)
}

/**
 * What a group will have to give when these volumes are made: for numbers that are told while they are being made. One
 * that does not fit takes nothing: it will be refused. Those that are there already are counted as they are.
 */
export const afterCreations = (
  report: GroupReport,
  requests: readonly CreateVolumeRequest[],
  use: readonly ThinPoolUse[],
): GroupReport => {
  const ours = requests.filter(({ groupUuid }) => groupUuid === report.group.uuid)
  return inPlanningOrder(missingFrom(report, ours)).reduce((before, request) => {
    try {
      return withOne(before, request, use)
    } catch (error) {
      if (!(error instanceof LoamError)) throw error
      return before
    }
  }, report)
}
