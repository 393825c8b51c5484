import { expect } from 'chai'
import fc from 'fast-check'
import { encodeFrame, frameReader } from '../../../lab/vm/frames.ts'

describe('frames', () => {
  it('are a letter, a length of 32 bits and the payload', () => {
    expect([...encodeFrame('O', 'hé')]).to.deep.equal([0x4f, 0, 0, 0, 3, 0x68, 0xc3, 0xa9])
    expect([...encodeFrame('G')]).to.deep.equal([0x47, 0, 0, 0, 0])
  })

  it('come out whole and in order, wherever the stream is cut', () => {
    const frame = fc.record({ type: fc.constantFrom('O', 'R', 'X'), bytes: fc.uint8Array({ maxLength: 40 }) })
    fc.assert(
      fc.property(fc.array(frame), fc.integer({ min: 1, max: 30 }), (frames, pieceBytes) => {
        const stream = Buffer.concat(frames.map(({ type, bytes }) => encodeFrame(type, Buffer.from(bytes))))
        const read = frameReader()
        const got = []
        for (let at = 0; at < stream.length; at += pieceBytes)
          got.push(...read(stream.subarray(at, at + pieceBytes)))
        const plain = got.map(({ type, payload }) => ({ type, bytes: [...payload] }))
        expect(plain).to.deep.equal(frames.map(({ type, bytes }) => ({ type, bytes: [...bytes] })))
      }),
    )
  })
})
