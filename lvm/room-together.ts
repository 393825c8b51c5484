import type { PlacedLayout, ThinLayout } from '../core/layout.ts'
import { volumeExtents, withoutExtents, withoutVolume, type FreeDisk } from '../core/layout-size.ts'
import { inPlanningOrder } from '../core/room.ts'
import { extentsTakenBy } from '../core/thin-size.ts'
import { freeDisksOf } from './free-disks.ts'
import { planThinVolume } from './make-thin-room.ts'
import { noSpaceFor } from './placed-request.ts'
import type { GroupReport } from './report.ts'
import { thinRoomOf } from './thin-pool.ts'
import type { CreateVolumeRequest, ThinPoolUse } from './types.ts'

/** Where the planning stands. */
interface Planned {
  readonly disks: readonly FreeDisk[]
  readonly bytes: bigint
}

/** The group with other free extents: for what reads them from there. */
export const withFree = (report: GroupReport, disks: readonly FreeDisk[]): GroupReport => {
  const left = new Map(disks.map((disk) => [disk.path, disk.freeRuns]))
  const physicalVolumes = report.group.physicalVolumes.map((disk) => ({
    ...disk,
    freeRuns: left.get(disk.devicePath) ?? disk.freeRuns,
  }))
  return { ...report, group: { ...report.group, physicalVolumes } }
}

const planPlaced = (
  report: GroupReport,
  { disks, bytes }: Planned,
  request: CreateVolumeRequest,
  layout: PlacedLayout,
): Planned => {
  const extents = volumeExtents(layout, request.sizeBytes, report.group.extentSizeBytes)
  const left = withoutVolume(layout, extents, disks)
  if (left === undefined) throw noSpaceFor(report, { ...request, layout }, { disks, bytes })
  return { disks: left, bytes: bytes + extents * report.group.extentSizeBytes }
}

const planThin = (
  report: GroupReport,
  { disks, bytes }: Planned,
  request: CreateVolumeRequest,
  layout: ThinLayout,
  use: readonly ThinPoolUse[],
): Planned => {
  const now = withFree(report, disks)
  const plan = planThinVolume(now, { ...request, layout }, use)
  const room = thinRoomOf(now, layout, use)
  const taken = room === undefined ? 0n : extentsTakenBy(plan, room)
  return { disks: withoutExtents(disks, taken), bytes: bytes + plan.sizeBytes }
}

/** Volumes of one pool share what it can hold, so they are planned as one of their size together. */
const oneForEachPool = (
  report: GroupReport,
  requests: readonly CreateVolumeRequest[],
): CreateVolumeRequest[] => {
  const pools = new Map<string, CreateVolumeRequest>()
  const others: CreateVolumeRequest[] = []
  for (const request of requests) {
    if (request.layout.name !== 'thin') {
      others.push(request)
      continue
    }
    const extents = volumeExtents(request.layout, request.sizeBytes, report.group.extentSizeBytes)
    const before = pools.get(request.layout.pool)?.sizeBytes ?? 0n
    const sizeBytes = before + extents * report.group.extentSizeBytes
    pools.set(request.layout.pool, { ...request, sizeBytes })
  }
  return [...others, ...pools.values()]
}

/** Those that are not there yet. */
export const missingFrom = (
  { volumes }: GroupReport,
  requests: readonly CreateVolumeRequest[],
): CreateVolumeRequest[] => {
  const names = new Set(volumes.map(({ name }) => name))
  return requests.filter(({ name }) => !names.has(name))
}

/**
 * Whether all these volumes of one group fit together, by the planning that makes them one after another. Those that
 * are there already take nothing.
 *
 * @throws NoSpace with the numbers of the first that does not fit beside those before it; thin volumes of one pool are
 *   counted as one.
 */
export const requireRoomTogether = (
  report: GroupReport,
  requests: readonly CreateVolumeRequest[],
  use: readonly ThinPoolUse[] = [],
): void => {
  let planned: Planned = { disks: freeDisksOf(report.group), bytes: 0n }
  for (const request of inPlanningOrder(oneForEachPool(report, missingFrom(report, requests)))) {
    const { layout } = request
    planned =
      layout.name === 'thin'
        ? planThin(report, planned, request, layout, use)
        : planPlaced(report, planned, request, layout)
  }
}
