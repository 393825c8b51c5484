import { open } from 'node:fs/promises'

import type { FileSystem } from '../core/volume-tags.ts'
import { complaintOf, type CommandRunner } from './command-runner.ts'
import { findMappedVolume, mappedBytes, type MappedVolume } from './device-mapper.ts'
import { CommandFailed, NotFound } from './errors.ts'
import type { MountedFileSystem } from './types.ts'
import type { VolumeHandle } from '../core/naming.ts'

interface Place {
  readonly devicePath: string
  readonly mountPoint: string
}

/**
 * Online, all of the device. Each of them ends with 0 and changes nothing when there is nothing to grow (resize2fs(8),
 * xfs_growfs(8), btrfs-filesystem(8)).
 */
const GROW: Record<FileSystem, (place: Place) => { file: string; args: readonly string[] }> = {
  ext4: ({ devicePath }) => ({ file: 'resize2fs', args: [devicePath] }),
  xfs: ({ mountPoint }) => ({ file: 'xfs_growfs', args: ['-d', mountPoint] }),
  btrfs: ({ mountPoint }) => ({ file: 'btrfs', args: ['filesystem', 'resize', 'max', mountPoint] }),
}

const GROW_DEADLINE_MS = 30 * 60_000

/** Beginning of the device that holds what is read below. */
const SUPERBLOCKS_BYTES = 128 << 10
const EXT4_AT = 1024
const BTRFS_AT = 64 << 10

/**
 * Size of the file system as its superblock has it (kernel documentation, ext4 "Super Block"; xfs_format.h, xfs_dsb;
 * btrfs_tree.h, btrfs_super_block and the btrfs_dev_item in it).
 */
const SIZE: Record<FileSystem, (start: Buffer) => bigint> = {
  ext4: (start) => {
    const blocks =
      BigInt(start.readUInt32LE(EXT4_AT + 0x4)) + (BigInt(start.readUInt32LE(EXT4_AT + 0x150)) << 32n)
    return blocks << BigInt(10 + start.readUInt32LE(EXT4_AT + 0x18))
  },
  xfs: (start) => BigInt(start.readUInt32BE(4)) * start.readBigUInt64BE(8),
  btrfs: (start) => start.readBigUInt64LE(BTRFS_AT + 0xc9 + 8),
}

const readStart = async (path: string): Promise<Buffer> => {
  const device = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await device.read(Buffer.alloc(SUPERBLOCKS_BYTES), 0, SUPERBLOCKS_BYTES, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await device.close()
  }
}

/** Below the smallest extent that LVM knows for a group of Loam's; file systems leave less than that at their end. */
const SLACK_BYTES = 1n << 20n

/** btrfs takes no smaller size to be resized to (linux, fs/btrfs/ioctl.c, btrfs_ioctl_resize: SZ_256M). */
export const MIN_BTRFS_RESIZE_BYTES = 256n << 20n

const canGrow = async (mapped: MappedVolume, type: FileSystem): Promise<boolean> => {
  const mayBytes = await mappedBytes(mapped)
  if (type === 'btrfs' && mayBytes < MIN_BTRFS_RESIZE_BYTES) return false
  return mayBytes - SIZE[type](await readStart(mapped.path)) >= SLACK_BYTES
}

/** Makes a mounted file system as large as the volume's device. @throws as NodeVolumes.growFileSystem. */
export const growFileSystem = async (
  runner: CommandRunner,
  handle: VolumeHandle,
  { type, mountPoint }: MountedFileSystem,
): Promise<void> => {
  const mapped = await findMappedVolume(handle)
  const object = `logical volume with UUID ${handle.volumeUuid}`
  if (mapped === undefined) throw new NotFound(object, 'is not active on this node')
  if (!(await canGrow(mapped, type))) return
  const { file, args } = GROW[type]({ devicePath: mapped.path, mountPoint })
  const result = await runner.run({
    ...{ file, args, effect: 'change', step: 'grow-file-system', deadlineMs: GROW_DEADLINE_MS },
  })
  if (result.exitCode !== 0)
    throw new CommandFailed(object, `its ${type} was not enlarged: ${file}: ${complaintOf(result)}`)
}
