import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { VolumeHandle } from '../core/naming.ts'
import { deviceNumberOf } from './device-number.ts'
import { mappedDevices, readLine, SYS_BLOCK } from './sys-block.ts'

/** An active logical volume, as the kernel shows it in /sys (its word, not LVM's). */
export interface MappedVolume {
  /** `dm-3`. */
  readonly kernelName: string
  /** `/dev/mapper/…`; a name only, it may not be there yet. */
  readonly path: string
  /** `major:minor`. */
  readonly deviceNumber: string
  /**
   * Disks that it is made of, as `major:minor`; undefined for one that is gone. Where LVM has made it of hidden volumes
   * (RAID), those that these are made of.
   */
  readonly slaves: readonly (string | undefined)[]
  /** Kernel names of devices on top of it. */
  readonly holders: readonly string[]
}

/** The kernel counts sectors of 512 bytes, whatever the device's own size of one. */
const SECTOR_BYTES = 512n

/** Size that the volume's device shows; 0 when it went away meanwhile. */
export const mappedBytes = async ({ kernelName }: MappedVolume): Promise<bigint> =>
  BigInt((await readLine(SYS_BLOCK, kernelName, 'size')) ?? '0') * SECTOR_BYTES

/** LVM gives its devices this UUID: `LVM-`, then those of group and volume without their hyphens. */
export const deviceMapperUuid = (handle: VolumeHandle): string =>
  `LVM-${handle.groupUuid}${handle.volumeUuid}`.replaceAll('-', '').replace('LVM', 'LVM-')

/** A disk may be a device of the device-mapper itself (multipath): only what LVM has made is looked into. */
const disksBelow = async (kernelName: string): Promise<(string | undefined)[]> => {
  const below = await readdir(join(SYS_BLOCK, kernelName, 'slaves'))
  const disks = await Promise.all(
    below.map(async (name) =>
      (await readLine(SYS_BLOCK, name, 'dm', 'uuid'))?.startsWith('LVM-') === true
        ? await disksBelow(name)
        : [await readLine('/sys/class/block', name, 'dev')],
    ),
  )
  return disks.flat()
}

const describe = async (kernelName: string): Promise<MappedVolume | undefined> => {
  const directory = join(SYS_BLOCK, kernelName)
  const name = await readLine(directory, 'dm', 'name')
  const deviceNumber = await readLine(directory, 'dev')
  if (name === undefined || deviceNumber === undefined) return undefined
  return {
    kernelName,
    path: `/dev/mapper/${name}`,
    deviceNumber,
    slaves: await disksBelow(kernelName),
    holders: await readdir(join(directory, 'holders')),
  }
}

/** The active device of a volume, or undefined when the kernel has none: then it is inactive. */
export const findMappedVolume = async (handle: VolumeHandle): Promise<MappedVolume | undefined> => {
  const wanted = deviceMapperUuid(handle)
  for (const kernelName of await mappedDevices()) {
    if ((await readLine(SYS_BLOCK, kernelName, 'dm', 'uuid')) === wanted) return await describe(kernelName)
  }
  return undefined
}

/** Whether the device of that number is the volume; false, too, when the kernel knows no such device. */
export const isDeviceOf = async (deviceNumber: string, handle: VolumeHandle): Promise<boolean> =>
  (await readLine('/sys/dev/block', deviceNumber, 'dm', 'uuid')) === deviceMapperUuid(handle)

/** Whether the node at the volume's path is there and is the very device (a stale link may lead to another). */
const hasNode = async (volume: MappedVolume): Promise<boolean> => {
  try {
    const found = await stat(volume.path)
    return found.isBlockDevice() && deviceNumberOf(found.rdev) === volume.deviceNumber
  } catch {
    return false
  }
}

const POLL_MS = 20

/** Waits until the volume's device node can be opened; false when it is not there in time. */
export const waitForNode = async (volume: MappedVolume, deadlineMs: number): Promise<boolean> => {
  const giveUpAt = performance.now() + deadlineMs
  while (!(await hasNode(volume))) {
    if (performance.now() > giveUpAt) return false
    await sleep(POLL_MS)
  }
  return true
}
