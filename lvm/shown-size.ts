import { complaintOf } from './command-runner.ts'
import { findMappedVolume, mappedBytes } from './device-mapper.ts'
import { CommandFailed } from './errors.ts'
import type { KnownGroup } from './known-groups.ts'
import { refreshVolumeCommand } from './lvm-command.ts'
import type { Lvm } from './lvm.ts'
import type { LogicalVolume } from './types.ts'
import { volumeObject } from './volume-content.ts'

/** Bytes that an active volume's device shows; undefined for an inactive one. */
const shownBytes = async ({ handle }: LogicalVolume): Promise<bigint | undefined> => {
  const mapped = await findMappedVolume(handle)
  return mapped === undefined ? undefined : await mappedBytes(mapped)
}

/** Whether an active volume's device is smaller than the volume. Asks the kernel only. */
export const showsLess = async (volume: LogicalVolume): Promise<boolean> => {
  const shown = await shownBytes(volume)
  return shown !== undefined && shown < volume.sizeBytes
}

/**
 * Has an active volume's device show all of it. An lvextend that died between the metadata and the device leaves one that
 * does not; nothing to do for any other. Runs alone in its group.
 *
 * @throws CommandFailed when the device stays smaller.
 */
export const showWholeSize = async (
  { lvm, known }: { readonly lvm: Lvm; readonly known: KnownGroup },
  volume: LogicalVolume,
): Promise<void> => {
  if (!(await showsLess(volume))) return
  const { groupName, handle } = volume
  const result = await lvm.run(refreshVolumeCommand({ groupName, uuid: handle.volumeUuid }), known.devices)
  if (!(await showsLess(volume))) return
  throw new CommandFailed(
    volumeObject(volume),
    `has ${volume.sizeBytes} bytes, and its device shows ${(await shownBytes(volume)) ?? 0n}: lvchange --refresh ended with ${complaintOf(result)}`,
  )
}
