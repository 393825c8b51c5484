import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

const MIB = 1024n * 1024n

/** A run of bytes on a device. */
export interface ByteRange {
  readonly offset: bigint
  readonly length: bigint
}

/**
 * Where programs keep their signatures: the first and the last MiB. A device of less than 2 MiB is read whole.
 */
export const endsOf = (sizeBytes: bigint): ByteRange[] =>
  sizeBytes <= 2n * MIB
    ? [{ offset: 0n, length: sizeBytes }]
    : [
        { offset: 0n, length: MIB },
        { offset: sizeBytes - MIB, length: MIB },
      ]

const SAMPLES = 128n
const SAMPLE_BYTES = 4096n

/** The ends, and 128 samples of 4 KiB spread evenly over the rest: data without a signature shows itself there. */
export const samplesOf = (sizeBytes: bigint): ByteRange[] => {
  const step = (sizeBytes / (SAMPLES + 1n) / SAMPLE_BYTES) * SAMPLE_BYTES
  if (step === 0n) return endsOf(sizeBytes)
  const between = Array.from({ length: Number(SAMPLES) }, (_unused, index) => ({
    offset: step * BigInt(index + 1),
    length: SAMPLE_BYTES,
  }))
  return [...endsOf(sizeBytes), ...between]
}

/** As long as the longest range that is read. */
const ZEROS = Buffer.alloc(Number(2n * MIB))

/** As firstNonZero, of a device that is open. */
export const firstNonZeroIn = async (file: FileHandle, range: ByteRange): Promise<bigint | undefined> => {
  const buffer = Buffer.alloc(Number(range.length))
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(
      buffer,
      filled,
      buffer.length - filled,
      Number(range.offset) + filled,
    )
    if (bytesRead === 0) throw new Error(`device ends before byte ${range.offset + range.length}`)
    filled += bytesRead
  }
  // whole runs are compared natively: a loop over bytes takes a thousand times as long
  if (buffer.equals(ZEROS.subarray(0, buffer.length))) return undefined
  return range.offset + BigInt(buffer.findIndex((byte) => byte !== 0))
}

/**
 * Offset of the first byte in these ranges that is not zero, or undefined when all are zero.
 * Fails when any of them cannot be read: unreadable is not blank.
 */
export const firstNonZero = async (
  path: string,
  ranges: readonly ByteRange[],
): Promise<bigint | undefined> => {
  const file = await open(path, constants.O_RDONLY)
  try {
    for (const range of ranges) {
      const offset = await firstNonZeroIn(file, range)
      if (offset !== undefined) return offset
    }
    return undefined
  } finally {
    await file.close()
  }
}

/** Tables that are recognised by their own bytes; blkid may be silent about half of one. */
export type PartitionTable = 'GPT' | 'backup GPT' | 'MBR'

const GPT_MAGIC = Buffer.from('EFI PART', 'latin1')

const readAt = async (file: FileHandle, offset: bigint, length: number): Promise<Buffer> => {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, Number(offset))
  if (bytesRead !== length) throw new Error(`device ends before byte ${offset + BigInt(length)}`)
  return buffer
}

/** Looks for a GPT header in the second or the last sector, and for the mark of an MBR in the first. */
export const findPartitionTable = async (
  path: string,
  device: { readonly sizeBytes: bigint; readonly sectorBytes: number },
): Promise<PartitionTable | undefined> => {
  const { sizeBytes, sectorBytes } = device
  const file = await open(path, constants.O_RDONLY)
  try {
    const head = await readAt(file, 0n, 2 * sectorBytes)
    const last = await readAt(file, sizeBytes - BigInt(sectorBytes), sectorBytes)
    if (head.subarray(sectorBytes).indexOf(GPT_MAGIC) === 0) return 'GPT'
    if (last.indexOf(GPT_MAGIC) === 0) return 'backup GPT'
    return head.readUInt16LE(510) === 0xaa55 ? 'MBR' : undefined
  } finally {
    await file.close()
  }
}
