import type { ExtentRun } from '../core/layout-size.ts'
import { recordOf } from '../core/volume-tags.ts'
import { deviceMapperUuid } from './device-mapper.ts'
import type { DiskInText, DiskRun, GroupInText, VolumeInText } from './metadata-text.ts'
import type { GroupReport } from './report.ts'
import type { LogicalVolume, PhysicalVolume, VolumeGroup } from './types.ts'

const compare = (one: string, other: string): number => (one === other ? 0 : one < other ? -1 : 1)

/** @throws Error when two volumes have the same extents: then this is not what LVM writes. */
const freeRunsOf = ({ uuid, extents }: DiskInText, used: readonly DiskRun[]): ExtentRun[] => {
  const runs = used
    .filter(({ diskUuid }) => diskUuid === uuid)
    .toSorted((one, other) => Number(one.first - other.first))
  const free: ExtentRun[] = []
  let at = 0n
  for (const { first, count } of [...runs, { first: extents, count: 0n }]) {
    if (first < at) throw new Error(`extent ${first} of ${uuid} belongs to two volumes`)
    if (first > at) free.push({ first: at, count: first - at })
    at = first + count
  }
  return free
}

const sum = (numbers: readonly bigint[]): bigint => numbers.reduce((total, number) => total + number, 0n)

const sorted = (tags: readonly string[]): string[] => [...tags].sort()

const diskOf = (
  disk: DiskInText,
  { devicePath }: PhysicalVolume,
  extentSizeBytes: bigint,
  used: readonly DiskRun[],
): PhysicalVolume => {
  const freeRuns = freeRunsOf(disk, used)
  return {
    uuid: disk.uuid,
    devicePath,
    sizeBytes: disk.extents * extentSizeBytes,
    freeBytes: sum(freeRuns.map(({ count }) => count)) * extentSizeBytes,
    freeRuns,
    firstExtentAtBytes: disk.firstExtentAtBytes,
    missing: false,
    allocatable: disk.allocatable,
    tags: sorted(disk.tags),
  }
}

const typeOf = ({ segments }: VolumeInText): string =>
  [...new Set(segments.map(({ runs }) => (runs.length === 1 ? 'linear' : 'striped')))].join('+')

const volumeOf = (
  volume: VolumeInText,
  { uuid, name, extentSizeBytes }: GroupInText,
  active: ReadonlySet<string>,
): LogicalVolume => {
  const handle = { groupUuid: uuid, volumeUuid: volume.uuid }
  const isActive = active.size > 0 && active.has(deviceMapperUuid(handle))
  const tags = sorted(volume.tags)
  return {
    handle,
    groupName: name,
    name: volume.name,
    sizeBytes: volume.extents * extentSizeBytes,
    tags,
    record: recordOf(tags),
    active: isActive,
    // whether it is, only LVM asks the kernel
    open: isActive,
    segmentType: typeOf(volume),
    health: '',
    syncPercent: undefined,
  }
}

const linearRunsOf = ({ segments }: VolumeInText): readonly DiskRun[] | undefined =>
  segments.every(({ runs }) => runs.length === 1) ? segments.flatMap(({ runs }) => runs) : undefined

/**
 * What LVM's report would say of a group that was read from its disks, in the same order. `last` has the same disks;
 * where they are is taken from there. An active volume counts as open.
 *
 * @throws Error when a disk is another one, or two volumes overlap.
 */
export const reportOfText = (
  text: GroupInText,
  last: VolumeGroup,
  active: ReadonlySet<string>,
): GroupReport => {
  const { extentSizeBytes } = text
  const used = text.volumes.flatMap(({ segments }) => segments.flatMap(({ runs }) => runs))
  const physicalVolumes = last.physicalVolumes.map((before) => {
    const disk = text.disks.find(({ uuid }) => uuid === before.uuid)
    if (disk === undefined) throw new Error(`PhysicalVolume ${before.uuid} is not in the text`)
    return diskOf(disk, before, extentSizeBytes, used)
  })
  if (text.disks.length !== physicalVolumes.length) throw new Error('the text has other disks')
  const volumes = text.volumes.toSorted((one, other) => compare(one.name, other.name))
  return {
    group: {
      name: text.name,
      uuid: text.uuid,
      sizeBytes: sum(physicalVolumes.map(({ sizeBytes }) => sizeBytes)),
      freeBytes: sum(physicalVolumes.map(({ freeBytes }) => freeBytes)),
      extentSizeBytes,
      seqno: text.seqno,
      tags: sorted(text.tags),
      missingPhysicalVolumes: 0,
      physicalVolumes,
    },
    volumes: volumes.map((volume) => volumeOf(volume, text, active)),
    linearRuns: new Map(
      volumes.flatMap((volume) => {
        const runs = linearRunsOf(volume)
        return runs === undefined ? [] : [[volume.uuid, runs] as const]
      }),
    ),
  }
}
