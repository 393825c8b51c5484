import { complaintOf } from './command-runner.ts'
import { CLOSED_TAG } from './disk-rule.ts'
import { CommandFailed } from './errors.ts'
import type { KnownGroup } from './known-groups.ts'
import { resizeDiskCommand, setAllocatableCommand } from './lvm-command.ts'
import type { Lvm } from './lvm.ts'
import type { GroupReport } from './report.ts'
import type { PhysicalVolume } from './types.ts'

const objectOf = (known: KnownGroup, uuid: string): string =>
  `PhysicalVolume ${uuid} of volume group "${known.name}"`

const readBack = async (
  known: KnownGroup,
  uuid: string,
): Promise<[PhysicalVolume | undefined, GroupReport]> => {
  const report = await known.reread()
  return [report.group.physicalVolumes.find((disk) => disk.uuid === uuid), report]
}

/**
 * Closes a disk of the group for new volumes, or opens one that was closed so. What is on it stays where it is. By
 * its UUID, read back and flushed.
 *
 * @throws CommandFailed when it is not so afterwards.
 */
export const setAllocatable = async (
  lvm: Lvm,
  known: KnownGroup,
  uuid: string,
  allocatable: boolean,
): Promise<GroupReport> => {
  const result = await lvm.run(setAllocatableCommand(uuid, allocatable, CLOSED_TAG), known.devices)
  const [now, report] = await readBack(known, uuid)
  if (now?.allocatable !== allocatable || now.tags.includes(CLOSED_TAG) === allocatable)
    throw new CommandFailed(
      objectOf(known, uuid),
      `not ${allocatable ? 'opened' : 'closed'} for allocation: ${complaintOf(result)}`,
    )
  await known.flush()
  return report
}

/**
 * Lets LVM use all of a disk that has grown. Read back and flushed.
 *
 * @throws CommandFailed when it is no larger afterwards.
 */
export const growDisk = async (
  lvm: Lvm,
  known: KnownGroup,
  disk: { readonly path: string; readonly physicalVolume: PhysicalVolume },
): Promise<GroupReport> => {
  const { uuid, sizeBytes } = disk.physicalVolume
  const result = await lvm.run(resizeDiskCommand(disk.path), known.devices)
  const [now, report] = await readBack(known, uuid)
  if (now === undefined || now.sizeBytes <= sizeBytes)
    throw new CommandFailed(objectOf(known, uuid), `not grown: ${complaintOf(result)}`)
  await known.flush()
  return report
}
