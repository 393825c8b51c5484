import { mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type WriteAt = (offset: number, bytes: Buffer) => Promise<void>

/** Lends a file of zeros that stands for a device. */
export const withFile = async (
  sizeBytes: bigint,
  use: (path: string, write: WriteAt) => Promise<void>,
): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), 'loam-'))
  const path = join(directory, 'device')
  try {
    await writeFile(path, '')
    await truncate(path, Number(sizeBytes))
    await use(path, async (offset, bytes) => {
      const file = await open(path, 'r+')
      await file.write(bytes, 0, bytes.length, offset)
      await file.close()
    })
  } finally {
    await rm(directory, { recursive: true })
  }
}
