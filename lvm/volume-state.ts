import { stateTag, type VolumeRecord, type VolumeState } from '../core/volume-tags.ts'
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

/**
 * Writes the volume's next state into its tags; read back and on the disks when it returns.
 *
 * @throws Frozen when disks are missing, CommandFailed when the state is not what it should be afterwards.
 */
export const setState = async (
  tools: VolumeTools,
  volume: RecordedVolume,
  to: VolumeState,
): Promise<RecordedVolume> => {
  const { lvm, lanes, known } = tools
  const { groupName, handle } = volume
  const target = { groupName, uuid: handle.volumeUuid }
  const command = replaceTagCommand(target, { from: stateTag(volume.record.state), to: stateTag(to) })
  return await lanes.run(groupName, async () => {
    // LVM refuses the change itself while disks are missing
    const result = await lvm.run(command, known.devices)
    const report = await known.fresh()
    requireComplete(report)
    const after = requireRecord(requireVolume(report, handle.volumeUuid))
    if (after.record.state !== to)
      throw new CommandFailed(
        volumeObject(volume),
        `not tagged "${to}": lvchange ended with ${complaintOf(result)}`,
      )
    await known.flush()
    return after
  })
}
