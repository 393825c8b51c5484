import { expect } from 'chai'

import { withDirectFile } from '../../../lvm/direct-read.ts'
import { readDiskText, type DiskText } from '../../../lvm/disk-text.ts'
import { lvmCrc } from '../../../lvm/metadata-header.ts'
import { thrownBy } from './thrown.ts'
import { withFile, type WriteAt } from './files.ts'
import { HEADS } from './metadata-headers.ts'

const AREA_AT = 4096
const AREA_BYTES = 17821696
const HEADER_BYTES = 512
/** Of HEADS.one, relative to the area. */
const TEXT = { at: 1536, length: 1056 } as const

const textOf = (head: Buffer): Buffer =>
  Buffer.from(head.subarray(AREA_AT + TEXT.at, AREA_AT + TEXT.at + TEXT.length))

/** The header of HEADS.one with some of it changed and a checksum that is right again. */
const headerWith = (change: (header: Buffer) => void): Buffer => {
  const header = Buffer.from(HEADS.one.subarray(AREA_AT, AREA_AT + HEADER_BYTES))
  change(header)
  header.writeUInt32LE(lvmCrc(header.subarray(4)), 0)
  return header
}

describe('lvm/disk-text', () => {
  const read = async (
    change: (write: WriteAt) => Promise<void> = () => Promise.resolve(),
  ): Promise<DiskText> => {
    let found: DiskText | undefined
    await withFile(2n << 30n, async (path, write) => {
      await write(0, HEADS.one)
      await change(write)
      found = await withDirectFile(path, readDiskText)
    })
    if (found === undefined) throw new Error('nothing was read')
    return found
  }
  const refusal = async (change: (write: WriteAt) => Promise<void>): Promise<string> =>
    ((await thrownBy(read(change))) as Error).message

  it('gives the text that the header of a disk leads to, and whose disk it is', async () => {
    const { text, physicalVolumeUuid } = await read()
    expect(physicalVolumeUuid).to.equal('DFM4Byqv0UCMhGyYaDMk7Nliyg5E5rEg')
    expect(text.equals(textOf(HEADS.one).subarray(0, -1))).to.equal(true)
  })

  it('puts a text together that goes on at the start of its area', async () => {
    const text = textOf(HEADS.one)
    const { text: found } = await read(async (write) => {
      await write(
        AREA_AT,
        headerWith((header) => header.writeBigUInt64LE(BigInt(AREA_BYTES - 512), 40)),
      )
      await write(AREA_AT + AREA_BYTES - 512, text.subarray(0, 512))
      await write(AREA_AT + HEADER_BYTES, text.subarray(512))
    })
    expect(found.equals(text.subarray(0, -1))).to.equal(true)
  })

  it('refuses a text of which any byte is another', async () => {
    for (const at of [0, 1, 511, 512, TEXT.length - 2, TEXT.length - 1])
      expect(await refusal((write) => write(AREA_AT + TEXT.at + at, Buffer.from([0xff])))).to.match(
        /checksum/,
      )
  })

  const places: Record<string, (header: Buffer) => void> = {
    'in the header': (header) => header.writeBigUInt64LE(256n, 40),
    'behind the area': (header) => header.writeBigUInt64LE(BigInt(AREA_BYTES), 40),
    'longer than the area': (header) => header.writeBigUInt64LE(BigInt(AREA_BYTES), 48),
    'of no length': (header) => header.writeBigUInt64LE(0n, 48),
    'that an old command left there': (header) => header.writeUInt32LE(1, 60),
    'with another behind it that does not count yet': (header) => header.writeBigUInt64LE(4096n, 64),
    'of a disk in no group': (header) => header.writeBigUInt64LE(0n, 40),
  }
  for (const [what, change] of Object.entries(places))
    it(`refuses a text ${what}`, async () => {
      expect(await refusal((write) => write(AREA_AT, headerWith(change)))).to.match(
        /metadata area|of 0 bytes/,
      )
    })

  it('refuses a disk without a label, without an area, and with a second area that is not whole', async () => {
    for (const head of [Buffer.alloc(8192), HEADS.noArea, HEADS.twoAreas, HEADS.orphan])
      expect(await thrownBy(read((write) => write(0, head)))).to.be.instanceOf(Error)
  })
})
