import { readFile, stat } from 'node:fs/promises'

import type { VolumeHandle } from '../core/naming.ts'
import { isDeviceOf } from '../lvm/device-mapper.ts'
import { deviceNumberOf } from '../lvm/device-number.ts'
import type { Mount } from '../lvm/mounts.ts'
import { openPath } from './held-path.ts'

/** A device node that is bound to a file comes from the file system of /dev. */
export const isDeviceNode = (mount: Mount): boolean => mount.fileSystemType === 'devtmpfs'

/** `major:minor` of the block device at the path, links followed; undefined when none is there. */
const deviceNumberAt = async (path: string): Promise<string | undefined> => {
  const found = await stat(path).catch(() => undefined)
  return found?.isBlockDevice() === true ? deviceNumberOf(found.rdev) : undefined
}

/** The device node that is bound there; undefined when the path leads to anything else by now. */
const deviceNumberOfNode = async ({ mountPoint, id }: Mount): Promise<string | undefined> => {
  await using opened = await openPath('mount point', mountPoint).catch(() => undefined)
  if (opened?.mountId !== id || !opened.stats.isBlockDevice()) return undefined
  return deviceNumberOf(opened.stats.rdev)
}

/**
 * The block device that is mounted. btrfs has an anonymous number in the mount table (it may span several devices), so
 * the device that its source names now is taken: that one cannot get another number while it is mounted.
 */
export const mountedDevice = async (mount: Mount): Promise<string | undefined> => {
  if (isDeviceNode(mount)) return deviceNumberOfNode(mount)
  if (mount.fileSystemType === 'btrfs') return deviceNumberAt(mount.source)
  return mount.deviceNumber
}

/**
 * True when the volume is what is mounted there: as a file system, or as a device node. False whenever that cannot be
 * known for certain.
 */
export const carriesVolume = async (mount: Mount, handle: VolumeHandle): Promise<boolean> => {
  const deviceNumber = await mountedDevice(mount)
  return deviceNumber !== undefined && isDeviceOf(deviceNumber, handle)
}

const SECTOR_BYTES = 512n

/** Size of the mounted block device. The kernel counts sectors of 512 bytes, whatever the device's own size of one. */
export const mountedDeviceBytes = async (mount: Mount): Promise<bigint> => {
  const deviceNumber = await mountedDevice(mount)
  const sectors = await readFile(`/sys/dev/block/${deviceNumber ?? 'none'}/size`, 'utf8')
  return BigInt(sectors.trim()) * SECTOR_BYTES
}
