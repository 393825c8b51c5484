import { stat } from 'node:fs/promises'

import type { ActiveVolumes } from './active-volumes.ts'
import { deviceNumberOf } from './device-number.ts'
import type { DiskStates } from './disk-state.ts'
import type { DiskText } from './disk-text.ts'
import { reportOfText } from './metadata-report.ts'
import { parseMetadataText } from './metadata-text.ts'
import type { GroupReport } from './report.ts'

/** Every disk of the report, each on the device where LVM had it, and no other. */
const areTheDisksOf = async ({ group }: GroupReport, found: readonly DiskText[]): Promise<boolean> => {
  const numbers = new Map(found.map((disk) => [disk.physicalVolumeUuid, disk.deviceNumber]))
  if (numbers.size !== found.length || found.length !== group.physicalVolumes.length) return false
  const same = await Promise.all(
    group.physicalVolumes.map(
      async ({ uuid, devicePath }) =>
        numbers.get(uuid.replaceAll('-', '')) === deviceNumberOf((await stat(devicePath)).rdev),
    ),
  )
  return same.every((isSame) => isSame)
}

/**
 * A group as its own disks describe it, without any program being run; undefined when they cannot tell: a disk is away,
 * does not answer or is not where LVM last had it, copies of the metadata are not byte by byte the same on all disks, or the text holds
 * anything that is not understood whole. `last` is the newest report.
 */
export const readGroupOnDisks = async (
  { disks, active }: { readonly disks: DiskStates; readonly active: ActiveVolumes },
  { uuid, devices }: { readonly uuid: string; readonly devices: readonly string[] },
  last: GroupReport,
): Promise<GroupReport | undefined> => {
  if (last.group.missingPhysicalVolumes > 0) return undefined
  try {
    const found = await disks.textsOn(devices)
    const [one] = found
    if (one === undefined || !found.every(({ text }) => text.equals(one.text))) return undefined
    if (!(await areTheDisksOf(last, found))) return undefined
    const text = parseMetadataText(one.text.toString('latin1'))
    return text.uuid === uuid ? reportOfText(text, last.group, await active.of(uuid)) : undefined
  } catch {
    // whatever it is: LVM is asked, and has words for it
    return undefined
  }
}
