import { expect } from 'chai'

import { AREA_HEADER_BYTES, parseAreaHeader, parseLabel } from '../../../lvm/metadata-header.ts'
import { HEADS } from './metadata-headers.ts'

const SECTOR = 512
const LOAMS_AREA = { offsetBytes: 4096n, sizeBytes: 17821696n }

const areaHeader = (head: Buffer): Buffer => head.subarray(4096, 4096 + AREA_HEADER_BYTES)
const withFlippedBit = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
  return copy
}

describe('lvm/metadata-header', () => {
  it('finds the UUID and the metadata areas in the label of disks that LVM made', () => {
    expect(parseLabel(HEADS.one)).to.deep.equal({
      physicalVolumeUuid: 'DFM4Byqv0UCMhGyYaDMk7Nliyg5E5rEg',
      checksum: 3569776163,
      areas: [LOAMS_AREA],
    })
    expect(parseLabel(HEADS.twoAreas)?.areas).to.deep.equal([
      { offsetBytes: 4096n, sizeBytes: 8384512n },
      { offsetBytes: 1065353216n, sizeBytes: 8388608n },
    ])
    expect(parseLabel(HEADS.noArea)).to.deep.equal({
      physicalVolumeUuid: 'voobtkkR60Iba07tD8sYJLiv37cbePrn',
      checksum: 2649681615,
      areas: [],
    })
  })

  it('finds no label in zeros, in less than a sector, in another place, and where any bit of it is another', () => {
    expect(parseLabel(Buffer.alloc(8192))).to.equal(undefined)
    expect(parseLabel(HEADS.one.subarray(0, 700))).to.equal(undefined)
    const moved = Buffer.concat([Buffer.alloc(SECTOR), HEADS.one])
    expect(parseLabel(moved)).to.equal(undefined)
    for (let at = SECTOR; at < 2 * SECTOR; at += 1)
      expect(parseLabel(withFlippedBit(HEADS.one, at)), `byte ${at}`).to.equal(undefined)
  })

  it('finds where the current text is, another place after each change', () => {
    expect(parseAreaHeader(areaHeader(HEADS.orphan), LOAMS_AREA)).to.deep.equal({ text: undefined })
    expect(parseAreaHeader(areaHeader(HEADS.empty), LOAMS_AREA)).to.deep.equal({
      text: { offsetBytes: 512n, sizeBytes: 828n, checksum: 3590476293, ignored: false, hasPending: false },
    })
    expect(parseAreaHeader(areaHeader(HEADS.one), LOAMS_AREA)).to.deep.equal({
      text: { offsetBytes: 1536n, sizeBytes: 1056n, checksum: 2286915762, ignored: false, hasPending: false },
    })
  })

  it('knows no header that is another area’s, cut, or damaged in any byte', () => {
    const header = areaHeader(HEADS.one)
    expect(parseAreaHeader(header, { ...LOAMS_AREA, offsetBytes: 8192n })).to.equal(undefined)
    expect(parseAreaHeader(header, { ...LOAMS_AREA, sizeBytes: 4096n })).to.equal(undefined)
    expect(parseAreaHeader(header.subarray(0, 100), LOAMS_AREA)).to.equal(undefined)
    expect(parseAreaHeader(Buffer.alloc(AREA_HEADER_BYTES), LOAMS_AREA)).to.equal(undefined)
    for (let at = 0; at < header.length; at += 1)
      expect(parseAreaHeader(withFlippedBit(header, at), LOAMS_AREA), `byte ${at}`).to.equal(undefined)
  })
})
