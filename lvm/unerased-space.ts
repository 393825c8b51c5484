import { hasUnerasedSpace, UNERASED_TAG } from '../core/volume-tags.ts'
import { activate, deactivate, type VolumeTools } from './activation.ts'
import { complaintOf, type CommandRunner } from './command-runner.ts'
import { blankEnds } from './erase.ts'
import { CommandFailed, Refused } from './errors.ts'
import type { JustMade } from './just-made.ts'
import { requireComplete } from './known-groups.ts'
import { tagGroupCommand } from './lvm-command.ts'
import type { GroupReport } from './report.ts'
import { isThin } from './thin-pool.ts'
import type { LogicalVolume } from './types.ts'
import { findContent, volumeObject } from './volume-content.ts'

/**
 * Marks a group, before the first volume in it is removed without being erased; read back and on the disks when it
 * returns. The mark stays: nobody can tell later which of the free extents are blank.
 *
 * @throws Frozen, CommandFailed.
 */
export const markUnerased = async ({ lvm, lanes, known }: VolumeTools, groupName: string): Promise<void> => {
  await lanes.run(groupName, async () => {
    const before = await known.fresh()
    requireComplete(before)
    if (hasUnerasedSpace(before.group.tags)) return
    const result = await lvm.run(tagGroupCommand({ groupName, tag: UNERASED_TAG }), known.devices)
    await known.confirm(({ group }) => {
      if (hasUnerasedSpace(group.tags)) return
      throw new CommandFailed(
        `volume group "${groupName}"`,
        `not tagged "${UNERASED_TAG}": vgchange ended with ${complaintOf(result)}`,
      )
    })
  })
}

interface Tools extends VolumeTools {
  readonly runner: CommandRunner
}

/**
 * A file system is made only where both ends are blank, and in a marked group nobody can know that they are: they are
 * made so as a part of making the volume, when nobody can have written to it yet. A volume of an earlier try is never touched:
 * its tags may come from a copy of the metadata that is older than what its user wrote.
 *
 * @throws Refused for a volume of an earlier try whose ends are not blank.
 */
export const blankNewVolume = async (
  tools: Tools,
  report: GroupReport,
  volume: LogicalVolume,
  justMade: JustMade | undefined,
): Promise<void> => {
  if (!hasUnerasedSpace(report.group.tags) || volume.record?.state !== 'new') return
  // a thin pool zeroes what it gives away
  if (isThin(volume)) return
  const mapped = await activate(tools, volume, report)
  if (justMade !== undefined) await blankEnds(tools.runner, justMade, mapped)
  const device = { path: mapped.path, sizeBytes: volume.sizeBytes }
  const found = await findContent(tools.runner, device, undefined)
  await deactivate(tools, volume)
  if (found === 'blank') return
  throw new Refused(volumeObject(volume), 'was left by an interrupted creation in space that is not blank', {
    advice: 'delete the claim and make it again; what is there is not written over',
  })
}
