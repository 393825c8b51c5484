import { constants } from 'node:fs'
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { deviceNumberOf } from './device-number.ts'

/** What /sys says about a block device: no byte of the device is read. */
export interface BlockDevice {
  /** Path that was asked for. */
  readonly path: string
  /** Kernel path behind it: `/dev/sdb`. */
  readonly devicePath: string
  readonly kernelName: string
  /** `major:minor`. */
  readonly deviceNumber: string
  /** WWN, else serial number, else empty; of a partition, that of its disk with `-partN`. */
  readonly id: string
  readonly sizeBytes: bigint
  /** Logical sector size. */
  readonly sectorBytes: number
  readonly readOnly: boolean
  readonly removable: boolean
  /** Device numbers of the partitions that the kernel knows. */
  readonly partitions: readonly string[]
  /** Kernel names of devices built on top of it. */
  readonly holders: readonly string[]
  /** Device-mapper devices of multipathd(8) that stand on it, as their names in /dev/mapper. */
  readonly multipathHolders: readonly string[]
  /** UUID in device-mapper, empty for other devices. */
  readonly mapperUuid: string
  /** Reading a suspended device-mapper device waits until somebody resumes it. */
  readonly suspended: boolean
  /** What a loop device shows; empty for other devices. */
  readonly backingFile: string
  /** Kernel name of the whole disk: its own, or that of the disk it is a partition of. */
  readonly diskName: string
}

/** Why there is no BlockDevice. */
export type NoDevice = { readonly missing: string } | { readonly notABlockDevice: string }

/** Sizes in /sys are in units of 512 bytes, whatever the sector size. */
const SYS_SECTOR_BYTES = 512n

const read = async (...path: string[]): Promise<string> => (await readFile(join(...path), 'utf8')).trim()

/** Files that only some kinds of device have. */
const readIfThere = async (...path: string[]): Promise<string> => {
  try {
    return await read(...path)
  } catch {
    return ''
  }
}

/** SCSI Vital Product Data page 0x80: four bytes of header, then the serial number (SPC-4, 7.8.15). */
const scsiSerial = async (directory: string): Promise<string> => {
  try {
    const page = await readFile(join(directory, 'device', 'vpd_pg80'))
    return page.subarray(4).toString('latin1').trim()
  } catch {
    return ''
  }
}

/** The last two are those of md arrays and device-mapper devices, which stay with what they are made of. */
const IDENTITY_FILES = [
  ['device', 'wwid'],
  ['wwid'],
  ['device', 'serial'],
  ['serial'],
  ['md', 'uuid'],
  ['dm', 'uuid'],
] as const

/** What drivers show where the hardware has no number: the same for every disk. */
const NO_IDENTITY = /^(\(null\)|[0\s]*)$/

const identityOf = async (directory: string): Promise<string> => {
  for (const file of IDENTITY_FILES) {
    const found = await readIfThere(directory, ...file)
    if (!NO_IDENTITY.test(found)) return found.replaceAll(/\s+/g, ' ')
  }
  return await scsiSerial(directory)
}

/** Made of other devices or of memory: hundreds on a node with many volumes, and none is a second path to a disk. */
const MADE_OF_OTHERS = /^(dm-|loop|md|ram|zram|nbd|sr)\d/

/** Kernel names of this machine's disks by their WWN or serial number: two of one number are two paths to one disk. */
export const disksById = async (): Promise<ReadonlyMap<string, readonly string[]>> => {
  const names = (await readdir('/sys/block')).filter((name) => !MADE_OF_OTHERS.test(name))
  const found = new Map<string, string[]>()
  for (const name of names) {
    const id = await identityOf(join('/sys/block', name))
    if (id !== '') found.set(id, [...(found.get(id) ?? []), name])
  }
  return found
}

const multipathNames = async (holders: readonly string[]): Promise<string[]> => {
  const names = await Promise.all(
    holders.map(async (holder) =>
      (await readIfThere('/sys/block', holder, 'dm', 'uuid')).startsWith('mpath-')
        ? await readIfThere('/sys/block', holder, 'dm', 'name')
        : '',
    ),
  )
  return names.filter((name) => name !== '')
}

const partitionsOf = async (directory: string): Promise<string[]> => {
  const names = await readdir(directory)
  const numbers = await Promise.all(
    names.map(async (name) =>
      (await readIfThere(directory, name, 'partition')) === '' ? '' : await read(directory, name, 'dev'),
    ),
  )
  return numbers.filter((number) => number !== '')
}

const errorCode = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'

const resolve = async (path: string): Promise<{ devicePath: string; rdev: number } | NoDevice> => {
  try {
    const devicePath = await realpath(path)
    const found = await stat(devicePath)
    if (!found.isBlockDevice()) return { notABlockDevice: devicePath }
    return { devicePath, rdev: found.rdev }
  } catch (error) {
    if (['ENOENT', 'ENXIO', 'ENODEV', 'ENOTDIR'].includes(errorCode(error)))
      return { missing: errorCode(error) }
    throw error
  }
}

/** Looks a device up in /sys. A node whose device is gone counts as missing. */
export const findBlockDevice = async (path: string): Promise<BlockDevice | NoDevice> => {
  const resolved = await resolve(path)
  if (!('rdev' in resolved)) return resolved
  const deviceNumber = deviceNumberOf(resolved.rdev)
  let directory: string
  try {
    directory = await realpath(`/sys/dev/block/${deviceNumber}`)
  } catch {
    return { missing: `no device ${deviceNumber} behind the node` }
  }
  const partition = await readIfThere(directory, 'partition')
  const disk = partition === '' ? directory : dirname(directory)
  const identity = await identityOf(disk)
  const holders = await readdir(join(directory, 'holders'))
  return {
    path,
    devicePath: resolved.devicePath,
    kernelName: basename(directory),
    deviceNumber,
    id: partition === '' || identity === '' ? identity : `${identity}-part${partition}`,
    sizeBytes: BigInt(await read(directory, 'size')) * SYS_SECTOR_BYTES,
    sectorBytes: Number(await read(disk, 'queue', 'logical_block_size')),
    readOnly: (await read(directory, 'ro')) !== '0',
    removable: (await readIfThere(disk, 'removable')) === '1',
    partitions: await partitionsOf(directory),
    holders,
    multipathHolders: await multipathNames(holders),
    mapperUuid: await readIfThere(directory, 'dm', 'uuid'),
    suspended: (await readIfThere(directory, 'dm', 'suspended')) === '1',
    backingFile: await readIfThere(directory, 'loop', 'backing_file'),
    diskName: basename(disk),
  }
}

/**
 * Whether nobody claims the device: an exclusive open of a block device (open(2), O_EXCL) fails while it is mounted,
 * in use as swap, or held by device-mapper, md or another program that claims it.
 */
export const isUnclaimed = async (devicePath: string): Promise<boolean> => {
  try {
    const file = await open(devicePath, constants.O_RDONLY | constants.O_EXCL)
    await file.close()
    return true
  } catch (error) {
    if (errorCode(error) === 'EBUSY') return false
    throw error
  }
}
