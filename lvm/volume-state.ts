import {
  erasedBytesOf,
  erasedTag,
  stateTag,
  type VolumeRecord,
  type VolumeState,
} from '../core/volume-tags.ts'
import type { VolumeTools } from './activation.ts'
import { complaintOf } from './command-runner.ts'
import { CommandFailed, Refused } from './errors.ts'
import { requireComplete, requireVolume } from './known-groups.ts'
import { replaceTagCommand } from './lvm-command.ts'
import type { LogicalVolume } from './types.ts'
import { volumeObject } from './volume-content.ts'

/** A volume whose tags could be read whole. */
export type RecordedVolume = LogicalVolume & { readonly record: VolumeRecord }

/** @throws Refused when the tags are not all there, each once: such a volume is not ours to touch. */
export const requireRecord = (volume: LogicalVolume): RecordedVolume => {
  const { record } = volume
  if (record !== undefined) return { ...volume, record }
  throw new Refused(volumeObject(volume), `its tags are not those of a Loam volume: ${volume.tags.join(' ')}`)
}

interface TagChange {
  readonly from: string | undefined
  readonly to: string
}

/**
 * Changes one tag of a volume; read back and on the disks when it returns.
 *
 * @throws Frozen when disks are missing, CommandFailed when the tag is not there afterwards.
 */
const changeTag = async (
  tools: VolumeTools,
  volume: RecordedVolume,
  { from, to }: TagChange,
): Promise<RecordedVolume> => {
  const { lvm, lanes, known } = tools
  const { groupName, handle } = volume
  const command = replaceTagCommand({ groupName, uuid: handle.volumeUuid }, { from, to })
  return await lanes.run(groupName, async () => {
    // LVM refuses the change itself while disks are missing
    const result = await lvm.run(command, known.devices)
    return await known.confirm((report) => {
      requireComplete(report)
      const after = requireRecord(requireVolume(report, handle.volumeUuid))
      const isDone = after.tags.includes(to) && (from === undefined || !after.tags.includes(from))
      if (isDone) return after
      throw new CommandFailed(
        volumeObject(volume),
        `not tagged "${to}": lvchange ended with ${complaintOf(result)}`,
      )
    })
  })
}

/** Writes the volume's next state into its tags; read back and on the disks when it returns. @throws as changeTag. */
export const setState = (
  tools: VolumeTools,
  volume: RecordedVolume,
  to: VolumeState,
): Promise<RecordedVolume> =>
  changeTag(tools, volume, { from: stateTag(volume.record.state), to: stateTag(to) })

/**
 * Records how far the volume is erased, so that a restart does not begin anew. The zeros must be on the disks
 * already.
 */
export const setErasedBytes = (
  tools: VolumeTools,
  volume: RecordedVolume,
  bytes: bigint,
): Promise<RecordedVolume> => {
  const before = erasedBytesOf(volume.tags)
  return changeTag(tools, volume, {
    from: before === 0n ? undefined : erasedTag(before),
    to: erasedTag(bytes),
  })
}
