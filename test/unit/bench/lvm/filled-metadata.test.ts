import { expect } from 'chai'
import { checkUuid } from '../../../../lvm/names.ts'
import { parseCopy } from '../../../../lvm/metadata-copy.ts'
import { filledMetadata } from '../../../bench/lvm/filled-metadata.ts'

const UUID = 'K48k1K-MYUN-ccBB-wpjA-Hd2s-68f6-06mQbn'
const EMPTY = `version = 1\n\ng {\n\tid = "${UUID}"\n\tseqno = 3\n\tphysical_volumes {\n\t}\n\n}\n`

const all = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map(([, found]) => found ?? '')

describe('metadata of a group full of volumes', () => {
  it('keeps the group, with its next version', () => {
    expect(parseCopy(filledMetadata(EMPTY, 2, 70))).to.include({ name: 'g', uuid: UUID, seqno: 70 })
    expect(filledMetadata(EMPTY, 0, 3)).to.equal(EMPTY)
  })

  it('gives each volume a name, a UUID and an extent of its own', () => {
    const text = filledMetadata(EMPTY, 1500, 4)
    const uuids = all(text, /\t\t\tid = "(.*)"/g)
    expect(uuids.map(checkUuid)).to.have.length(1500)
    for (const found of [uuids, all(text, /(pvc-\S+) \{/g), all(text, /"pv0", (\d+)/g)])
      expect(new Set(found).size).to.equal(1500)
  })

  it('is not made of anything else than an empty group', () => {
    for (const text of ['', EMPTY.slice(0, -2), filledMetadata(EMPTY, 1, 4)])
      expect(() => filledMetadata(text, 1, 5)).to.throw('no metadata of a group without volumes')
  })
})
