import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

import { atStep } from '../core/failpoints.ts'
import { complaintOf, type CommandRunner } from './command-runner.ts'
import { firstNonZeroIn, samplesOf } from './content.ts'
import { findMappedVolume } from './device-mapper.ts'
import { CommandFailed, InUse, Refused } from './errors.ts'
import type { Lvm } from './lvm.ts'
import { isRaid, readLegs, type LegRun } from './raid-legs.ts'
import type { GroupReport } from './report.ts'
import type { PhysicalVolume } from './types.ts'
import type { Unused } from './unused.ts'
import { volumeObject } from './volume-content.ts'

/** First bytes of dm-raid's superblock (Linux, drivers/md/dm-raid.c). */
const MAGIC = Buffer.from('DmRd', 'latin1')

/** LVM's label, usually in the second sector: `LABELONE`, and 32 bytes after its start the UUID (lvm2, format_text). */
const LABEL_AT = 512
const LABEL = Buffer.from('LABELONE', 'latin1')
const LABEL_UUID_AT = 32
const UUID_LENGTH = 32

const STEP_BYTES = 1024 * 1024
const CACHE_DEADLINE_MS = 60_000

const readAt = async (file: FileHandle, offset: bigint, length: number): Promise<Buffer> => {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, Number(offset))
  return buffer.subarray(0, bytesRead)
}

/** Kernel names are given anew when disks come and go: what was opened must be the disk that was meant. */
const isDisk = async (file: FileHandle, { uuid }: PhysicalVolume): Promise<boolean> => {
  const label = await readAt(file, BigInt(LABEL_AT), LABEL_UUID_AT + UUID_LENGTH)
  const found = label.subarray(LABEL_UUID_AT).toString('latin1')
  return label.indexOf(LABEL) === 0 && found === uuid.replaceAll('-', '')
}

interface Place {
  readonly disk: PhysicalVolume
  readonly offset: bigint
  readonly length: bigint
}

const placeOf = ({ group }: GroupReport, run: LegRun, object: string): Place => {
  const disk = group.physicalVolumes.find(({ devicePath }) => devicePath === run.devicePath)
  if (disk === undefined)
    throw new Refused(object, `a leg of it lies on ${run.devicePath}, no disk of its group`)
  const { extentSizeBytes } = group
  return {
    disk,
    offset: disk.firstExtentAtBytes + run.first * extentSizeBytes,
    length: run.count * extentSizeBytes,
  }
}

const withDisk = async <T>(
  { disk }: Place,
  flags: number,
  object: string,
  work: (file: FileHandle) => Promise<T>,
): Promise<T> => {
  const file = await open(disk.devicePath, flags)
  try {
    if (await isDisk(file, disk)) return await work(file)
    throw new Refused(object, `${disk.devicePath} is not PhysicalVolume ${disk.uuid} any more`)
  } finally {
    await file.close()
  }
}

const zero = (file: FileHandle, { offset, length }: Place): Promise<void> =>
  atStep('scrub-raid-metadata', async () => {
    const zeros = Buffer.alloc(STEP_BYTES)
    for (let done = 0; done < Number(length); done += STEP_BYTES)
      await file.write(zeros, 0, Math.min(STEP_BYTES, Number(length) - done), Number(offset) + done)
    await file.sync()
  })

/** The whole run is LVM's own: dm-raid's superblock is at its start, or it was never activated, or is scrubbed already. */
const scrub = async (place: Place, object: string): Promise<void> => {
  await withDisk(place, constants.O_RDWR, object, async (file) => {
    const head = await readAt(file, place.offset, MAGIC.length)
    if (head.equals(MAGIC)) {
      await zero(file, place)
      return
    }
    const nonZeroAt = await firstNonZeroIn(file, place)
    if (nonZeroAt === undefined) return
    throw new Refused(
      object,
      `byte ${nonZeroAt} of ${place.disk.devicePath} should be RAID metadata and is not; nothing is written there`,
    )
  })
}

const confirmBlank = async (place: Place, object: string): Promise<void> => {
  await withDisk(place, constants.O_RDONLY, object, async (file) => {
    for (const sample of samplesOf(place.length)) {
      const nonZeroAt = await firstNonZeroIn(file, { ...sample, offset: place.offset + sample.offset })
      if (nonZeroAt !== undefined)
        throw new Refused(
          object,
          `byte ${nonZeroAt} of ${place.disk.devicePath}, in a leg of it, is not zero`,
          {
            advice: 'a leg that was away may hold what was there before: bring the volume in sync first',
          },
        )
    }
  })
}

interface ScrubTools {
  readonly runner: CommandRunner
  readonly lvm: Lvm
  /** Those of the group. */
  readonly devices: readonly string[]
}

/**
 * What the kernel has cached of a disk that volumes have open is not dropped by itself, and it never sees what is
 * written through a volume (BLKFLSBUF, by blockdev(8)).
 */
const dropCache = async (runner: CommandRunner, path: string): Promise<void> => {
  const result = await runner.run({
    ...{ file: 'blockdev', args: ['--flushbufs', path] },
    ...{ effect: 'read', deadlineMs: CACHE_DEADLINE_MS },
  })
  if (result.exitCode !== 0) throw new CommandFailed(`device ${path}`, `blockdev: ${complaintOf(result)}`)
}

/**
 * Leaves no trace of an erased RAID volume on its disks, so that its extents are as blank as others when it is removed:
 * RAID metadata, which the volume itself does not show, is overwritten on the disks; each leg is read there, because one
 * that was out of sync did not get the zeros. Nothing to do for other layouts.
 *
 * @throws InUse while the volume is active; Refused when a leg is not blank, or a place is not what it should be.
 */
export const scrubLegs = async (
  { runner, lvm, devices }: ScrubTools,
  { volume }: Unused,
  report: GroupReport,
): Promise<void> => {
  if (!isRaid(volume)) return
  const object = volumeObject(volume)
  if ((await findMappedVolume(volume.handle)) !== undefined) throw new InUse(object, 'active')
  const legs = await readLegs({ lvm, devices }, volume)
  const metadata = legs.metadata.flat().map((run) => placeOf(report, run, object))
  const images = legs.images.flat().map((run) => placeOf(report, run, object))
  const disks = [...new Set([...metadata, ...images].map(({ disk }) => disk.devicePath))]
  for (const path of disks) await dropCache(runner, path)
  for (const place of metadata) await scrub(place, object)
  for (const place of images) await confirmBlank(place, object)
  for (const path of disks) await dropCache(runner, path)
}
