import { groupTagsOf } from '../core/volume-tags.ts'
import { complaintOf } from './command-runner.ts'
import { confirmSameDisk } from './confirm-disk.ts'
import type { BlankDisk } from './disk-judge.ts'
import { CommandFailed, Conflict } from './errors.ts'
import { flushGroup } from './flush.ts'
import { KnownGroup, type KnownGroupTools } from './known-groups.ts'
import { createGroupCommand, extendGroupCommand, groupNamesCommand } from './lvm-command.ts'
import type { Lvm } from './lvm.ts'
import { parseGroupNames, parseReport, reportCommand, type GroupReport } from './report.ts'

/**
 * A group of this name may hide on disks that we do not look at; LVM would then know two. All devices are read for
 * this one question, and no answer means no group.
 */
const confirmNameIsFree = async (lvm: Lvm, name: string): Promise<void> => {
  const taken = parseGroupNames(await lvm.read(groupNamesCommand, 'every device'))
  if (taken.includes(name))
    throw new Conflict(`volume group "${name}"`, 'a group of this name exists on disks that are not listed', {
      advice: 'name another group in the StorageClass, or list the disks of this one',
    })
}

/**
 * Makes a volume group, the first of two places that write to a disk that is not ours yet: only to disks proven
 * blank. Read back and flushed when it returns.
 *
 * @throws Conflict, Refused, CommandFailed (nothing usable was made), OutcomeUnknown.
 */
export const createGroup = async (
  tools: KnownGroupTools,
  wanted: { readonly name: string; readonly clusterId: string; readonly disks: readonly BlankDisk[] },
): Promise<{ known: KnownGroup; report: GroupReport }> => {
  const { lvm } = tools
  const { name, disks } = wanted
  const devices = disks.map((disk) => disk.path)
  const tags = groupTagsOf(wanted.clusterId)
  const command = createGroupCommand({ name, devices, tags })
  await confirmNameIsFree(lvm, name)
  await Promise.all(disks.map(confirmSameDisk))
  const result = await lvm.run(command, devices)
  const { groups } = parseReport(await lvm.read(reportCommand, devices))
  const made = groups.find(
    ({ group }) =>
      group.name === name &&
      group.missingPhysicalVolumes === 0 &&
      group.physicalVolumes.length === disks.length &&
      tags.every((tag) => group.tags.includes(tag)),
  )
  if (made === undefined)
    throw new CommandFailed(`volume group "${name}"`, `not made: ${complaintOf(result)}`)
  await flushGroup(made.group)
  return { known: new KnownGroup(tools, { name, uuid: made.group.uuid, devices }), report: made }
}

/**
 * Adds disks proven blank to a group, the second of the two places.
 *
 * @throws Refused, CommandFailed (nothing usable was added), OutcomeUnknown.
 */
export const extendGroup = async (
  lvm: Lvm,
  known: KnownGroup,
  disks: readonly BlankDisk[],
): Promise<GroupReport> => {
  const devices = disks.map((disk) => disk.path)
  const view = [...known.devices, ...devices]
  const before = await known.reread()
  const command = extendGroupCommand({ name: known.name, devices })
  await Promise.all(disks.map(confirmSameDisk))
  const result = await lvm.run(command, view)
  const { groups } = parseReport(await lvm.read(reportCommand, view))
  const after = groups.find(({ group }) => group.uuid === known.uuid)
  const wantedDisks = before.group.physicalVolumes.length + disks.length
  if (after?.group.physicalVolumes.length !== wantedDisks)
    throw new CommandFailed(`volume group "${known.name}"`, `not extended: ${complaintOf(result)}`)
  known.addDevices(devices)
  await flushGroup(after.group)
  return after
}
