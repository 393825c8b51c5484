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
  /** UUID in device-mapper, empty for other devices. */
  readonly mapperUuid: string
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

const IDENTITY_FILES = [['device', 'wwid'], ['wwid'], ['device', 'serial'], ['serial']] as const

const identityOf = async (directory: string): Promise<string> => {
  for (const file of IDENTITY_FILES) {
    const found = await readIfThere(directory, ...file)
    if (found !== '') return found.replaceAll(/\s+/g, ' ')
  }
  return await scsiSerial(directory)
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
    holders: await readdir(join(directory, 'holders')),
    mapperUuid: await readIfThere(directory, 'dm', 'uuid'),
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
