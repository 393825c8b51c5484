import { setTimeout as sleep } from 'node:timers/promises'

import { findBlockDevice } from './block-device.ts'
import { complaintOf } from './command-runner.ts'
import { findMappedVolume, waitForNode, type MappedVolume } from './device-mapper.ts'
import { CommandFailed, InUse } from './errors.ts'
import type { KnownGroup } from './known-groups.ts'
import type { Lanes } from './lanes.ts'
import { activateVolumeCommand, makeNodesCommand } from './lvm-command.ts'
import type { Lvm } from './lvm.ts'
import { mountPointsOf, readHostUse } from './mounts.ts'
import { isRaid } from './raid-legs.ts'
import { refreshVolume, volumesToRefresh } from './refresh-volume.ts'
import type { GroupReport } from './report.ts'
import type { LogicalVolume } from './types.ts'
import { volumeObject } from './volume-content.ts'

/** What a change to one volume works with. `lanes` holds one writer for each volume group. */
export interface VolumeTools {
  readonly lvm: Lvm
  readonly lanes: Lanes
  readonly known: KnownGroup
}

const NODE_DEADLINE_MS = 10_000

const switchVolume = async (
  tools: VolumeTools,
  volume: LogicalVolume,
  activate: 'y' | 'n',
): Promise<string> => {
  const { groupName, handle } = volume
  const command = activateVolumeCommand({ groupName, uuid: handle.volumeUuid }, activate)
  const { lvm, lanes, known } = tools
  return complaintOf(await lanes.run(groupName, () => lvm.run(command, known.devices)))
}

/** Device numbers of the group's disks as they are now. */
const diskNumbers = async ({ group }: GroupReport): Promise<Set<string>> => {
  const found = await Promise.all(
    group.physicalVolumes.filter((disk) => !disk.missing).map((disk) => findBlockDevice(disk.devicePath)),
  )
  return new Set(found.flatMap((device) => ('deviceNumber' in device ? [device.deviceNumber] : [])))
}

/**
 * A disk that was pulled and plugged in again is a new device to the kernel, and active volumes still lead to the
 * dead one. Such a volume is switched off and on, a RAID volume refreshed.
 */
const leadsToDeadDisk = async (mapped: MappedVolume, report: GroupReport): Promise<boolean> => {
  const numbers = await diskNumbers(report)
  return mapped.slaves.some((slave) => slave === undefined || !numbers.has(slave))
}

/** @throws InUse when the volume is mounted anywhere on this machine, or another device stands on it. */
export const refuseIfInUse = async (volume: LogicalVolume, mapped: MappedVolume): Promise<void> => {
  const { deviceNumber, holders } = mapped
  const paths = [mapped.path, `/dev/${mapped.kernelName}`, `/dev/${volume.groupName}/${volume.name}`]
  const mounted = mountPointsOf((await readHostUse()).mounts, { deviceNumber, paths })
  if (mounted.length > 0)
    throw new InUse(volumeObject(volume), `mounted at ${mounted.slice(0, 3).join(', ')}`)
  if (holders.length > 0) throw new InUse(volumeObject(volume), `held by ${holders.join(', ')}`)
}

/** udev opens a device for a moment when it was written to; a real user stays longer than these. */
const DEACTIVATION_TRIES = 4
const DEACTIVATION_PAUSE_MS = 250

/**
 * Switches a volume off, and asks the kernel whether it is. Nothing to do when it is inactive. Between tries other
 * work of the group goes on.
 *
 * @throws InUse when something has it mounted or open, or stands on it.
 */
export const deactivate = async (tools: VolumeTools, volume: LogicalVolume): Promise<void> => {
  let complaint = ''
  for (let tries = 0; tries < DEACTIVATION_TRIES; tries += 1) {
    const mapped = await findMappedVolume(volume.handle)
    if (mapped === undefined) return
    await refuseIfInUse(volume, mapped)
    if (tries > 0) await sleep(DEACTIVATION_PAUSE_MS)
    complaint = await switchVolume(tools, volume, 'n')
  }
  if ((await findMappedVolume(volume.handle)) === undefined) return
  throw new InUse(volumeObject(volume), `cannot be deactivated: ${complaint}`)
}

const findUsable = async (
  tools: VolumeTools,
  volume: LogicalVolume,
  report: GroupReport,
): Promise<MappedVolume | undefined> => {
  const mapped = await findMappedVolume(volume.handle)
  if (mapped === undefined) return undefined
  // a RAID volume outlives a disk, and is not switched off for one: somebody may have it mounted
  if (isRaid(volume)) {
    const { volumeUuid } = volume.handle
    if (volumesToRefresh(report).some(({ handle }) => handle.volumeUuid === volumeUuid))
      await tools.lanes.run(volume.groupName, () => refreshVolume(tools, volume))
    return mapped
  }
  if (!(await leadsToDeadDisk(mapped, report))) return mapped
  await deactivate(tools, volume)
  return undefined
}

/**
 * Switches a volume on, and waits until its device can be opened. The kernel is asked for the device by both UUIDs,
 * so that no other volume is ever handed out.
 *
 * @throws CommandFailed when it cannot be activated, InUse when a dead device of it is still open.
 */
export const activate = async (
  tools: VolumeTools,
  volume: LogicalVolume,
  report: GroupReport,
): Promise<MappedVolume> => {
  const already = await findUsable(tools, volume, report)
  const complaint = already === undefined ? await switchVolume(tools, volume, 'y') : ''
  const mapped = already ?? (await findMappedVolume(volume.handle))
  const object = volumeObject(volume)
  if (mapped === undefined) throw new CommandFailed(object, `cannot be activated: ${complaint}`)
  if (await waitForNode(mapped, NODE_DEADLINE_MS)) return mapped
  await tools.lvm.run(makeNodesCommand(volume.groupName), tools.known.devices)
  if (await waitForNode(mapped, NODE_DEADLINE_MS)) return mapped
  throw new CommandFailed(object, `is active as ${mapped.kernelName}, but ${mapped.path} does not appear`, {
    advice: 'is systemd-udevd running on the node?',
  })
}
