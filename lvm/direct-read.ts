import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

import { withPages } from './direct-memory.ts'

/** Direct I/O wants offsets, lengths and memory at multiples of the sector size, which is 4096 at most. */
const BLOCK_BYTES = 4096

/** A device opened for reads that go to the disk. */
export interface DirectFile {
  /** As stat(2) gives it, for deviceNumberOf. */
  readonly rdev: number
  /** @throws Error when the device ends before, or cannot be read. */
  read(offsetBytes: bigint, lengthBytes: number): Promise<Buffer>
  /**
   * As read, and gives what `look` makes of the bytes. They are lent to it: other reads overwrite them as soon as it has
   * returned.
   */
  look<T>(offsetBytes: bigint, lengthBytes: number, look: (bytes: Buffer) => T): Promise<T>
}

const readBlocks = <T>(
  file: FileHandle,
  offsetBytes: bigint,
  lengthBytes: number,
  look: (bytes: Buffer) => T,
): Promise<T> => {
  const first = Number(offsetBytes) - (Number(offsetBytes) % BLOCK_BYTES)
  const skipped = Number(offsetBytes) - first
  const blocksBytes = Math.ceil((skipped + lengthBytes) / BLOCK_BYTES) * BLOCK_BYTES
  return withPages(blocksBytes, async (pages) => {
    const { bytesRead } = await file.read(pages, 0, blocksBytes, first)
    if (bytesRead < skipped + lengthBytes)
      throw new Error(`the device ends before byte ${offsetBytes + BigInt(lengthBytes)}`)
    return look(pages.subarray(skipped, skipped + lengthBytes))
  })
}

/**
 * Lends a device for reads that see what is on the disk (open(2), O_DIRECT). A usual read may see the kernel's cache,
 * which other programs' direct writes do not always drop: not those that are asynchronous, as LVM's are by default.
 * Where the kernel wants more alignment than this gives, the read fails; it never gives other bytes.
 */
export const withDirectFile = async <T>(path: string, use: (file: DirectFile) => Promise<T>): Promise<T> => {
  const file = await open(path, constants.O_RDONLY | constants.O_DIRECT)
  try {
    const { rdev } = await file.stat()
    return await use({
      rdev,
      read: (offsetBytes, lengthBytes) =>
        readBlocks(file, offsetBytes, lengthBytes, (bytes) => Buffer.from(bytes)),
      look: (offsetBytes, lengthBytes, look) => readBlocks(file, offsetBytes, lengthBytes, look),
    })
  } finally {
    await file.close()
  }
}
