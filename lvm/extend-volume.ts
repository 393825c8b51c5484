import { dataLegsOf, largestExtensionExtents, placeExtension } from '../core/extension-size.ts'
import { divideRoundingUp } from '../core/layout-size.ts'
import { describeBytes } from '../core/quantity.ts'
import { hasUnerasedSpace } from '../core/volume-tags.ts'
import { complaintOf } from './command-runner.ts'
import { CommandFailed, NoSpace, Refused } from './errors.ts'
import { freeDisksOf, freeOnDisks } from './free-disks.ts'
import { MIN_BTRFS_RESIZE_BYTES } from './grow-file-system.ts'
import { requireComplete, requireVolume } from './known-groups.ts'
import { extendVolumeCommand, type LvmCommand } from './lvm-command.ts'
import { makeThinExtensionRoom } from './make-thin-room.ts'
import type { ThinTools } from './make-thin-room.ts'
import { confirmLegsApart, isRaid, readLegs } from './raid-legs.ts'
import type { GroupReport } from './report.ts'
import { showWholeSize } from './shown-size.ts'
import { isThin } from './thin-pool.ts'
import type { ExtendVolumeRequest, LogicalVolume } from './types.ts'
import { volumeObject } from './volume-content.ts'
import { readShape } from './volume-shape.ts'
import { requireRecord, type RecordedVolume } from './volume-state.ts'

/**
 * What is added comes from free extents, and these are blank unless the group is marked. A file system hides what it was made
 * over, but a volume that has none yet would be found to hold unknown bytes.
 */
const checkSpace = ({ group }: GroupReport, volume: RecordedVolume): void => {
  if (!hasUnerasedSpace(group.tags) || isThin(volume)) return
  const { content, state } = volume.record
  if (content !== 'block' && state === 'used') return
  throw new Refused(
    volumeObject(volume),
    `volume group "${group.name}" holds space that was let go without being erased, which ` +
      (content === 'block'
        ? 'a block volume would show'
        : 'a volume without a file system may not be made of'),
    {
      advice:
        content === 'block'
          ? 'make a larger volume in another group'
          : 'let a pod use it once, and enlarge it then',
    },
  )
}

/** Its file system would stay as it is, and its user without what was asked for. */
const checkFileSystem = (volume: RecordedVolume, sizeBytes: bigint): void => {
  if (volume.record.content !== 'btrfs' || sizeBytes >= MIN_BTRFS_RESIZE_BYTES) return
  const least = describeBytes(MIN_BTRFS_RESIZE_BYTES)
  throw new Refused(
    volumeObject(volume),
    `${describeBytes(sizeBytes)} wanted, btrfs grows to ${least} at the least`,
    {
      advice: `ask for ${least} or more`,
    },
  )
}

/** @throws NotFound, Frozen; Refused for a volume that is no claim's, or is being erased. */
const findVolume = (report: GroupReport, volumeUuid: string): RecordedVolume => {
  const volume = requireRecord(requireVolume(report, volumeUuid))
  if (volume.record.state === 'erasing') throw new Refused(volumeObject(volume), 'it is being erased')
  return volume
}

const placedCommand = async (
  { lvm, known }: ThinTools,
  report: GroupReport,
  volume: RecordedVolume,
  sizeBytes: bigint,
): Promise<LvmCommand> => {
  const { groupName, name } = volume
  const { extentSizeBytes } = report.group
  const shape = await readShape({ lvm, known }, volume)
  const legs = dataLegsOf(shape)
  const has = volume.sizeBytes / extentSizeBytes
  const added = divideRoundingUp(divideRoundingUp(sizeBytes, extentSizeBytes) - has, legs) * legs
  const free = freeDisksOf(report.group)
  const places = added > largestExtensionExtents(shape, free) ? undefined : placeExtension(shape, added, free)
  if (places !== undefined)
    return extendVolumeCommand({ groupName, name, extents: has + added, shape, places })
  throw new NoSpace(volumeObject(volume), {
    layout: shape.name,
    requestedBytes: (has + added) * extentSizeBytes,
    largestBytes: (has + largestExtensionExtents(shape, free)) * extentSizeBytes,
    freeOnDisks: freeOnDisks(report.group),
  })
}

/** A RAID volume whose legs came to share a disk is no success, whatever its size. */
const confirmLegs = async ({ lvm, known }: ThinTools, volume: LogicalVolume): Promise<void> => {
  if (!isRaid(volume)) return
  const legs = await readLegs({ lvm, devices: known.devices }, volume)
  confirmLegsApart(volume, legs, legs.images.length)
}

const enlarge = async (
  tools: ThinTools,
  report: GroupReport,
  volume: RecordedVolume,
  request: ExtendVolumeRequest,
): Promise<RecordedVolume> => {
  const { lvm, known } = tools
  requireComplete(report)
  checkSpace(report, volume)
  checkFileSystem(volume, request.sizeBytes)
  const command = isThin(volume)
    ? await makeThinExtensionRoom(tools, report, volume, request)
    : await placedCommand(tools, report, volume, request.sizeBytes)
  const result = await lvm.run(command, known.devices)
  const after = await known.confirm((now) => {
    requireComplete(now)
    const found = findVolume(now, volume.handle.volumeUuid)
    if (found.sizeBytes >= request.sizeBytes) return found
    throw new CommandFailed(
      volumeObject(volume),
      `not enlarged, it has ${found.sizeBytes} bytes as before: lvextend ended with ${complaintOf(result)}`,
    )
  })
  await confirmLegs(tools, after)
  return after
}

/**
 * Makes a volume larger, or finds that it is; read back and on the disks when it returns, and an active one shows its
 * size. One lvextend, which changes all or nothing; for a thin volume the pool grows before. Runs alone in its group.
 */
export const extendVolume = async (
  tools: ThinTools,
  request: ExtendVolumeRequest,
): Promise<LogicalVolume> => {
  const { known } = tools
  const report = await known.fresh()
  const volume = findVolume(report, request.handle.volumeUuid)
  const isLargeEnough = volume.sizeBytes >= request.sizeBytes
  if (isLargeEnough) await known.flush()
  const extended = isLargeEnough ? volume : await enlarge(tools, report, volume, request)
  await showWholeSize(tools, extended)
  return extended
}
