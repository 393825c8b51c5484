import { statfs } from 'node:fs/promises'

import type { Mount } from '../lvm/mounts.ts'
import { UnknownVolume } from './errors.ts'
import {
  VolumeUsage_Unit as Unit,
  type NodeGetVolumeStatsRequest,
  type NodeGetVolumeStatsResponse,
  type VolumeCondition,
  type VolumeUsage,
} from './gen/csi.ts'
import { readMountAt } from './mount-table.ts'
import { carriesVolume, isDeviceNode, mountedDevice, mountedDeviceBytes } from './mounted-volume.ts'
import type { UnaryHandler } from './unary.ts'
import { conditionFrom, readSigns } from './volume-condition.ts'
import { requireHandle, requirePresent } from './volume-id.ts'

const fileSystemUsage = async (path: string): Promise<VolumeUsage[]> => {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path, { bigint: true })
  const bytes = {
    unit: Unit.BYTES,
    total: blocks * bsize,
    used: (blocks - bfree) * bsize,
    available: bavail * bsize,
  }
  // btrfs makes inodes as it needs them, and reports none.
  if (files === 0n) return [bytes]
  return [bytes, { unit: Unit.INODES, total: files, used: files - ffree, available: ffree }]
}

const deviceUsage = async (mount: Mount): Promise<VolumeUsage[]> => [
  { unit: Unit.BYTES, total: await mountedDeviceBytes(mount), used: 0n, available: 0n },
]

const conditionOf = async (mount: Mount, usage: readonly VolumeUsage[]): Promise<VolumeCondition> => {
  const signs = await readSigns(mount, (await mountedDevice(mount)) ?? '', usage)
  return conditionFrom(signs, isDeviceNode(mount) ? 'block' : 'fileSystem')
}

const usageOf = (mount: Mount): Promise<VolumeUsage[]> =>
  isDeviceNode(mount) ? deviceUsage(mount) : fileSystemUsage(mount.mountPoint)

/**
 * NodeGetVolumeStats: bytes and inodes of a mounted volume; of a block volume its size only, because what is free in
 * it only its user knows; and whether the kernel shows something wrong with it. Asks the kernel, never LVM, so it stays cheap however often it is called.
 */
export const nodeGetVolumeStats: UnaryHandler<
  NodeGetVolumeStatsRequest,
  NodeGetVolumeStatsResponse
> = async ({ volumeId, volumePath }) => {
  requirePresent({ volume_id: volumeId, volume_path: volumePath })
  const handle = requireHandle(volumeId)
  const mount = await readMountAt(volumePath)
  if (mount === undefined || !(await carriesVolume(mount, handle))) {
    throw new UnknownVolume(volumeId, `it is not mounted at "${volumePath}"`)
  }
  const usage = await usageOf(mount)
  return { usage, volumeCondition: await conditionOf(mount, usage) }
}
