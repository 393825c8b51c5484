// The language of guest/exec-server.pl: a letter, the payload's length (32 bits, big-endian), the payload.

export interface Frame {
  readonly type: string
  readonly payload: Buffer
}

const HEADER_BYTES = 5

export const encodeFrame = (type: string, payload: string | Buffer = ''): Buffer => {
  const body = Buffer.from(payload)
  const header = Buffer.alloc(HEADER_BYTES)
  header.write(type, 'latin1')
  header.writeUInt32BE(body.length, 1)
  return Buffer.concat([header, body])
}

/** Puts pieces of a stream, cut anywhere, together to whole frames; gives those that each piece completes. */
export const frameReader = (): ((piece: Buffer) => readonly Frame[]) => {
  let rest = Buffer.alloc(0)
  return (piece) => {
    rest = Buffer.concat([rest, piece])
    const frames: Frame[] = []
    while (rest.length >= HEADER_BYTES && rest.length >= HEADER_BYTES + rest.readUInt32BE(1)) {
      const end = HEADER_BYTES + rest.readUInt32BE(1)
      frames.push({ type: rest.toString('latin1', 0, 1), payload: rest.subarray(HEADER_BYTES, end) })
      rest = rest.subarray(end)
    }
    return frames
  }
}
