import { readFile, stat } from 'node:fs/promises'

import type { VolumeHandle } from '../core/naming.ts'
import { isDeviceOf } from '../lvm/device-mapper.ts'
import { deviceNumberOf } from '../lvm/device-number.ts'
import type { Mount } from '../lvm/mounts.ts'

/** A device node that is bound to a file comes from the file system of /dev. */
export const isDeviceNode = (mount: Mount): boolean => mount.fileSystemType === 'devtmpfs'

/** `major:minor` of the block device at the path, links followed; undefined when none is there. */
const deviceNumberAt = async (path: string): Promise<string | undefined> => {
  const found = await stat(path).catch(() => undefined)
  return found?.isBlockDevice() === true ? deviceNumberOf(found.rdev) : undefined
}

/**
 * The block device that is mounted. btrfs has an anonymous number in the mount table (it may span several devices), so
 * the device that its source names now is taken: that one cannot get another number while it is mounted.
 */
const mountedDevice = async (mount: Mount): Promise<string | undefined> => {
  if (isDeviceNode(mount)) return deviceNumberAt(mount.mountPoint)
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
