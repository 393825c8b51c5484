import { samplesOf, type ByteRange } from './content.ts'
import { withDeadline } from './deadline.ts'
import { findMappedVolume } from './device-mapper.ts'
import { withDirectFile, type DirectFile } from './direct-read.ts'
import { HEAD_BYTES, parseLabel } from './metadata-header.ts'
import type { GroupReport } from './report.ts'
import type { LogicalVolume, PhysicalVolume } from './types.ts'
import type { Unused } from './unused.ts'

const MIB = 1024n * 1024n

/**
 * Wider than the usual ends, in place of asking blkid: no signature that libblkid knows begins further inside. The
 * furthest are that of VMFS, 2 MiB after the start, and one of Promise's RAID, 1.5 MiB before the end (util-linux,
 * libblkid/src/superblocks).
 */
const END_BYTES = 4n * MIB

/** Reads that a few libuv threads share with all other files. */
const STEP_BYTES = MIB

const DEADLINE_MS = 60_000

/** What has to be zero in a volume that nobody ever used. */
const placesOf = (sizeBytes: bigint): ByteRange[] =>
  sizeBytes <= 2n * END_BYTES
    ? [{ offset: 0n, length: sizeBytes }]
    : [
        { offset: 0n, length: END_BYTES },
        { offset: sizeBytes - END_BYTES, length: END_BYTES },
        ...samplesOf(sizeBytes),
      ]

interface DiskRange extends ByteRange {
  readonly disk: PhysicalVolume
}

/** Where the bytes of a linear volume are on its disks; undefined when the report does not say that of all. */
const mapOf = (
  { group, linearRuns }: GroupReport,
  { handle, sizeBytes }: LogicalVolume,
): readonly DiskRange[] | undefined => {
  const { extentSizeBytes, physicalVolumes } = group
  const map = linearRuns?.get(handle.volumeUuid)?.flatMap(({ diskUuid, first, count }) =>
    physicalVolumes
      .filter(({ uuid }) => uuid === diskUuid)
      .map((disk) => ({
        disk,
        offset: disk.firstExtentAtBytes + first * extentSizeBytes,
        length: count * extentSizeBytes,
      })),
  )
  return map?.reduce((sum, { length }) => sum + length, 0n) === sizeBytes ? map : undefined
}

/** The parts of a volume's range on its disks, in steps. */
const partsOf = (map: readonly DiskRange[], range: ByteRange): DiskRange[] => {
  const parts: DiskRange[] = []
  const end = range.offset + range.length
  let runStart = 0n
  for (const { disk, offset, length } of map) {
    const runEnd = runStart + length
    for (
      let at = range.offset > runStart ? range.offset : runStart;
      at < end && at < runEnd;
      at += STEP_BYTES
    ) {
      const stepEnd = [at + STEP_BYTES, end, runEnd].reduce((one, other) => (one < other ? one : other))
      parts.push({ disk, offset: offset + at - runStart, length: stepEnd - at })
    }
    runStart = runEnd
  }
  return parts
}

const ZEROS = Buffer.alloc(Number(STEP_BYTES))

/** Undefined when this is not the disk: kernel names are given anew when disks come and go. */
const areZero = async (
  file: DirectFile,
  { uuid }: PhysicalVolume,
  parts: readonly DiskRange[],
): Promise<boolean | undefined> => {
  const label = parseLabel(await file.read(0n, HEAD_BYTES))
  if (label?.physicalVolumeUuid !== uuid.replaceAll('-', '')) return undefined
  for (const { offset, length } of parts) {
    const zeros = ZEROS.subarray(0, Number(length))
    if (!(await file.look(offset, zeros.length, (bytes) => bytes.equals(zeros)))) return false
  }
  return true
}

/** Undefined when any of it cannot be read. */
const areAllZero = async (parts: readonly DiskRange[]): Promise<boolean | undefined> => {
  try {
    for (const disk of new Set(parts.map((part) => part.disk))) {
      const onDisk = parts.filter((part) => part.disk === disk)
      const isZero = await withDirectFile(disk.devicePath, (file) => areZero(file, disk, onDisk))
      if (isZero !== true) return isZero
    }
    return true
  } catch {
    return undefined
  }
}

/**
 * Whether a linear volume that is inactive shows nothing but zeros where anybody's data would show itself: its ends,
 * where programs keep their signatures, and samples of the rest. Read from the disks themselves, without activating it.
 * `report` is a reading of the disks.
 *
 * Undefined when that cannot be told: the volume is to be looked at through its own device then.
 *
 * @throws OutcomeUnknown when a disk does not answer.
 */
export const isLinearBlank = async (
  { volume }: Unused,
  report: GroupReport,
): Promise<boolean | undefined> => {
  const map = mapOf(report, volume)
  if (map === undefined || (await findMappedVolume(volume.handle)) !== undefined) return undefined
  const parts = placesOf(volume.sizeBytes).flatMap((range) => partsOf(map, range))
  const isBlank = await withDeadline(`reading ${volume.name} on its disks`, areAllZero(parts), DEADLINE_MS)
  return (await findMappedVolume(volume.handle)) === undefined ? isBlank : undefined
}
