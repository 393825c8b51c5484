import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'

/** `sha256:` and 64 hexadecimal digits, as OCI writes it (image-spec, descriptor.md, "Digests"). */
export type Digest = `sha256:${string}`

export const digestOf = (content: string | Buffer): Digest =>
  `sha256:${createHash('sha256').update(content).digest('hex')}`

export const digestOfFile = async (path: string): Promise<Digest> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return `sha256:${hash.digest('hex')}`
}

/** The digits alone: a blob's file name. */
export const hexOf = (digest: Digest): string => digest.slice('sha256:'.length)
