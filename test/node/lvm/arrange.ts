import { open, readFile, realpath, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { crc32 } from 'node:zlib'

import { run, settle } from './fixture.ts'

const SECTOR = 512

/** Writes bytes at an offset, through to the disk. */
export const writeAt = async (path: string, offset: number, bytes: Buffer): Promise<void> => {
  const file = await open(path, 'r+')
  try {
    await file.write(bytes, 0, bytes.length, offset)
    await file.sync()
  } finally {
    await file.close()
  }
}

const sizeOf = async (path: string): Promise<number> => Number(await run('blockdev', '--getsize64', path))

const reread = async (path: string): Promise<void> => {
  await run('blockdev', '--rereadpt', path)
  await settle()
}

/** A boot sector with the mark of an MBR, and one partition when asked for. */
export const writeMbr = async (path: string, partition: boolean): Promise<void> => {
  const sector = Buffer.alloc(SECTOR)
  if (partition) {
    sector.writeUInt8(0x83, 446 + 4)
    sector.writeUInt32LE(2048, 446 + 8)
    sector.writeUInt32LE(65536, 446 + 12)
  }
  sector.writeUInt16LE(0xaa55, 510)
  await writeAt(path, 0, sector)
  await reread(path)
}

const ENTRIES = 128
const ENTRY_BYTES = 128
/** 80 MiB from the first MiB on: large enough to be used, and inside the smallest disk of the tests. */
const PARTITION_LAST_SECTOR = 2048n + 163_840n - 1n
const LINUX_DATA = Buffer.from('af3dc60f838472478e793d69d8477de4', 'hex')
/** 21686148-6449-6E6F-744E-656564454649 */
export const BIOS_BOOT = Buffer.from('4861682149646f6e744e656564454649', 'hex')

const gptEntries = (partition: boolean, type: Buffer): Buffer => {
  const entries = Buffer.alloc(ENTRIES * ENTRY_BYTES)
  if (!partition) return entries
  type.copy(entries, 0)
  LINUX_DATA.copy(entries, 16)
  entries.writeBigUInt64LE(2048n, 32)
  entries.writeBigUInt64LE(PARTITION_LAST_SECTOR, 40)
  return entries
}

const gptHeader = (
  place: { own: bigint; other: bigint; entriesAt: bigint },
  last: bigint,
  entries: Buffer,
): Buffer => {
  const header = Buffer.alloc(SECTOR)
  header.write('EFI PART', 0, 'latin1')
  header.writeUInt32LE(0x00010000, 8)
  header.writeUInt32LE(92, 12)
  header.writeBigUInt64LE(place.own, 24)
  header.writeBigUInt64LE(place.other, 32)
  header.writeBigUInt64LE(34n, 40)
  header.writeBigUInt64LE(last - 33n, 48)
  LINUX_DATA.copy(header, 56)
  header.writeBigUInt64LE(place.entriesAt, 72)
  header.writeUInt32LE(ENTRIES, 80)
  header.writeUInt32LE(ENTRY_BYTES, 84)
  header.writeUInt32LE(crc32(entries), 88)
  header.writeUInt32LE(crc32(header.subarray(0, 92)), 16)
  return header
}

/** A valid GUID partition table, as in UEFI 2.10, 5.3: both copies, and the protective MBR. */
export const writeGpt = async (path: string, partition: boolean, type = LINUX_DATA): Promise<void> => {
  const last = BigInt((await sizeOf(path)) / SECTOR) - 1n
  const entries = gptEntries(partition, type)
  const protective = Buffer.alloc(SECTOR)
  protective.writeUInt8(0xee, 446 + 4)
  protective.writeUInt32LE(1, 446 + 8)
  protective.writeUInt32LE(Number(last), 446 + 12)
  protective.writeUInt16LE(0xaa55, 510)
  const backupEntriesAt = last - 32n
  await writeAt(path, 0, protective)
  await writeAt(path, SECTOR, gptHeader({ own: 1n, other: last, entriesAt: 2n }, last, entries))
  await writeAt(path, 2 * SECTOR, entries)
  await writeAt(path, Number(backupEntriesAt) * SECTOR, entries)
  await writeAt(
    path,
    Number(last) * SECTOR,
    gptHeader({ own: last, other: 1n, entriesAt: backupEntriesAt }, last, entries),
  )
  await reread(path)
}

/** A GPT of which only the copy at the end is left, as after `dd if=/dev/zero count=…` of the beginning. */
export const writeBackupGptOnly = async (path: string): Promise<void> => {
  await writeGpt(path, false)
  await writeAt(path, 0, Buffer.alloc(1024 * 1024))
  await reread(path)
}

/** First bytes of a LUKS1 header: magic and version. */
export const writeLuksHeader = async (path: string): Promise<void> => {
  const header = Buffer.alloc(592)
  Buffer.from('4c554b53babe0001', 'hex').copy(header)
  header.write('aes', 8, 'latin1')
  header.write('d0b0b8f8-0000-4000-8000-000000000001', 168, 'latin1')
  await writeAt(path, 0, header)
}

/** ZFS's uberblocks at their place in the first label (128 KiB; vdev_label.c), which is what tells a member. */
export const writeZfsLabel = async (path: string): Promise<void> => {
  const ring = Buffer.alloc(128 * 1024)
  for (let at = 0; at < ring.length; at += 1024) ring.writeBigUInt64LE(0x00bab10cn, at)
  await writeAt(path, 128 * 1024, ring)
}

/** A loop device over a fresh file in memory. */
export const makeLoop = async (name: string, sizeMiB: number, sectorBytes = SECTOR): Promise<string> => {
  const file = `/run/loam-test/${name}.img`
  await run('mkdir', '--parents', '/run/loam-test')
  await run('truncate', '--size', `${sizeMiB}M`, file)
  // with its partitions, if it gets a table
  return await run('losetup', '--find', '--show', '--partscan', '--sector-size', `${sectorBytes}`, file)
}

export const dropLoop = async (path: string): Promise<void> => {
  const file = (await run('losetup', '--noheadings', '--output', 'BACK-FILE', path)).trim()
  await run('losetup', '--detach', path)
  await run('rm', '--force', file)
}

export interface PulledDisk {
  plug(): Promise<void>
}

/** Takes a SCSI disk away as a pulled cable would, and gives the way to bring it back. */
export const pullDisk = async (path: string): Promise<PulledDisk> => {
  const name = basename(await realpath(path))
  const device = await realpath(`/sys/block/${name}/device`)
  const host = /\/(host\d+)\//.exec(device)?.[1]
  if (host === undefined) throw new Error(`${path} is not on a SCSI host: ${device}`)
  await writeFile(join(device, 'delete'), '1')
  await settle()
  return {
    plug: async () => {
      await writeFile(`/sys/class/scsi_host/${host}/scan`, '- - -')
      // the kernel may find it when the write has returned: there is nothing to settle yet
      await run('udevadm', 'wait', '--timeout=60', path)
      await readFile(`/sys/block/${basename(await realpath(path))}/dev`)
    },
  }
}
