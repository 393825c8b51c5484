import { complaintOf } from './command-runner.ts'
import { CommandFailed } from './errors.ts'
import type { KnownGroup } from './known-groups.ts'
import { refreshVolumeCommand } from './lvm-command.ts'
import type { Lvm } from './lvm.ts'
import { isRaid } from './raid-legs.ts'
import type { GroupReport } from './report.ts'
import type { LogicalVolume } from './types.ts'
import { volumeObject } from './volume-content.ts'

/** LVM's word for a RAID volume of which a leg was away and is back (lvmraid(7)). */
const NEEDS_REFRESH = 'refresh needed'

/** Active RAID volumes that can be made whole again because the disks are back. */
export const volumesToRefresh = ({ group, volumes }: GroupReport): LogicalVolume[] =>
  group.missingPhysicalVolumes > 0
    ? []
    : volumes.filter((volume) => isRaid(volume) && volume.active && volume.health === NEEDS_REFRESH)

/**
 * Lets an active RAID volume use the disks as they are now; the kernel then brings a leg that was away up to date, while
 * the volume stays in use. Runs alone in its group. Read back.
 *
 * @throws CommandFailed when LVM still finds the volume in need of it.
 */
export const refreshVolume = async (
  { lvm, known }: { readonly lvm: Lvm; readonly known: KnownGroup },
  { groupName, name, handle }: LogicalVolume,
): Promise<void> => {
  const command = refreshVolumeCommand({ groupName, uuid: handle.volumeUuid })
  const result = await lvm.run(command, known.devices)
  const { volumes } = await known.reread()
  const after = volumes.find((volume) => volume.handle.volumeUuid === handle.volumeUuid)
  if (after?.health === NEEDS_REFRESH)
    throw new CommandFailed(volumeObject({ groupName, name }), `not refreshed: ${complaintOf(result)}`)
}
