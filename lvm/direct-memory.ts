/**
 * Memory for direct reads. It is dear: the kernel gives it page by page and zeroed, and the garbage collector counts it as
 * memory of this process, so that a megabyte for each read has it collect all the while. So a little of it is kept.
 */
const LARGEST_KEPT_BYTES = 1024 * 1024
const MOST_KEPT = 2

/** Smallest first. */
const kept: Buffer[] = []

/** Memory of a resizable ArrayBuffer begins at a page of its own; that of a Buffer begins anywhere. */
const alignedBuffer = (bytes: number): Buffer => Buffer.from(new ArrayBuffer(bytes, { maxByteLength: bytes }))

const keep = (buffer: Buffer): void => {
  if (buffer.length > LARGEST_KEPT_BYTES) return
  kept.push(buffer)
  kept.sort((one, other) => one.length - other.length)
  if (kept.length > MOST_KEPT) kept.shift()
}

/**
 * Lends memory of at least so many bytes that begins at a page. What is in it is left over from others. It goes to the
 * next one when `use` has ended.
 */
export const withPages = async <T>(bytes: number, use: (pages: Buffer) => Promise<T>): Promise<T> => {
  const at = kept.findIndex(({ length }) => length >= bytes)
  const [pages = alignedBuffer(bytes)] = at < 0 ? [] : kept.splice(at, 1)
  try {
    return await use(pages)
  } finally {
    keep(pages)
  }
}
