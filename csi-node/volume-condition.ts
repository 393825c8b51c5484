import { readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'

import type { Mount } from '../lvm/mounts.ts'
import { VolumeUsage_Unit as Unit, type VolumeCondition, type VolumeUsage } from './gen/csi.ts'

/** What the kernel shows of a mounted volume without being asked for more than a few small files. */
export interface VolumeSigns {
  readonly mount: Mount
  readonly usage: readonly VolumeUsage[]
  /** Errors that ext4 has counted in its superblock since it was last checked; 0 for other file systems. */
  readonly ext4Errors: number
  /** Whether device-mapper holds its reads and writes back. */
  readonly isSuspended: boolean
}

/** A full file system keeps some blocks for itself that it still counts as available: less than a thousandth is nothing. */
const NEARLY_NOTHING = 1000n

/** With newer kernels (seen on 6.18) ext4 that met an error stays `rw`, and shows one of the other two words. */
const NOBODY_WRITES = new Set(['ro', 'emergency_ro', 'shutdown'])

const CHECK = 'end its pods, and check it on the node ("Damaged file systems" in docs/csi.md)'

/** One thing each that a person has to know; the first that speaks is told. */
const SIGNS: readonly ((signs: VolumeSigns) => string | undefined)[] = [
  ({ isSuspended }) =>
    isSuspended ? 'device-mapper has suspended the volume: reads and writes wait' : undefined,
  ({ mount, ext4Errors }) =>
    ext4Errors > 0
      ? `${mount.fileSystemType} has met ${ext4Errors} errors: see the kernel log of the node; ${CHECK}`
      : undefined,
  ({ mount: { fileSystemType, fileSystemOptions } }) =>
    fileSystemOptions.some((option) => NOBODY_WRITES.has(option))
      ? `${fileSystemType} is read-only, as it becomes when it meets an error: see the kernel log of the node; ${CHECK}`
      : undefined,
  ({ usage }) => {
    const full = usage.find(({ total, available }) => available * NEARLY_NOTHING < total)
    if (full === undefined) return undefined
    return full.unit === Unit.INODES ? 'no inode is left: no file can be made' : 'no space is left'
  },
]

/** Pure: the same signs give the same condition. What is free in a block volume is not known, and no sign. */
export const conditionFrom = (signs: VolumeSigns, kind: 'block' | 'fileSystem'): VolumeCondition => {
  const seen = kind === 'block' ? { ...signs, usage: [], ext4Errors: 0 } : signs
  const found = SIGNS.map((sign) => sign(seen)).find((message) => message !== undefined)
  return { abnormal: found !== undefined, message: found ?? 'nothing is wrong with it' }
}

const numberIn = async (path: string): Promise<number> =>
  Number(await readFile(path, 'utf8').catch(() => '0'))

/** Reads the signs of a mounted volume; what cannot be read is no sign. */
export const readSigns = async (
  mount: Mount,
  deviceNumber: string,
  usage: readonly VolumeUsage[],
): Promise<VolumeSigns> => {
  const device = `/sys/dev/block/${deviceNumber}`
  const kernelName = basename(await readlink(device).catch(() => ''))
  return {
    ...{ mount, usage },
    ext4Errors:
      mount.fileSystemType === 'ext4' ? await numberIn(`/sys/fs/ext4/${kernelName}/errors_count`) : 0,
    isSuspended: (await numberIn(`${device}/dm/suspended`)) === 1,
  }
}
