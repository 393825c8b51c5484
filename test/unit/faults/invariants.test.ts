import { expect } from 'chai'

import type { AcknowledgedVolume } from '../../faults/facts.ts'
import type { ReadGroup, ReadVolume } from '../../faults/group-reading.ts'
import { checkMoment, fileSystemStays, Violation, type Moment } from '../../faults/invariants.ts'

const read: ReadVolume = {
  ...{ uuid: 'v1', name: 'pvc-1', sizeBytes: 8n, tags: ['loam.claim-uid=1', 'loam.state=used'] },
  extents: [{ disk: '/dev/sda', first: 0, last: 3 }],
}
const other: ReadVolume = {
  ...{ uuid: 'v2', name: 'pvc-2', sizeBytes: 8n, tags: ['loam.claim-uid=2', 'loam.state=new'] },
  extents: [{ disk: '/dev/sda', first: 4, last: 7 }],
}
const groupOf = (...volumes: ReadVolume[]): ReadGroup => ({ uuid: 'g', seqno: 5, volumes })
const volume: AcknowledgedVolume = {
  ...{ handle: { groupUuid: 'g', volumeUuid: 'v1' }, name: 'pvc-1', sizeBytes: '8' },
  used: { fileSystemUuid: 'f' },
}
const good: Moment = {
  ...{ groups: [groupOf(read, other)], before: [groupOf(read)], claimUids: ['2'], removalAsked: false },
  facts: { groupUuid: 'g', volume },
}

const BROKEN: readonly (readonly [string, RegExp, Partial<Moment>])[] = [
  ['a volume that is gone', /^I1: .*gone/, { groups: [groupOf(other)] }],
  ['a volume that has shrunk', /^I1: .*shrunk/, { groups: [groupOf({ ...read, sizeBytes: 4n })] }],
  [
    'a used volume that is called new',
    /^I1: .*tagged new/,
    {
      groups: [groupOf({ ...read, tags: ['loam.claim-uid=1', 'loam.state=new'] })],
    },
  ],
  ['a group that is gone', /^I1: .*group/, { groups: [] }],
  ['extents of two volumes', /^I2/, { groups: [groupOf(read, { ...other, extents: read.extents })] }],
  ['two volumes of one claim', /^I5/, { groups: [groupOf(read, { ...other, tags: read.tags })] }],
  ['a volume that nobody knows', /^I6/, { claimUids: [] }],
  ['two groups of one name', /^I11/, { groups: [groupOf(read), { ...groupOf(), uuid: 'h' }] }],
  ['metadata that went back', /^I11/, { before: [{ ...groupOf(), seqno: 6 }] }],
]

describe('the invariants of fault tests', () => {
  it('hold when all is well, and while a volume is on its way out', () => {
    checkMoment(good)
    checkMoment({ ...good, groups: [groupOf(other)], removalAsked: true })
  })

  for (const [what, message, broken] of BROKEN)
    it(`find ${what}`, () => {
      expect(() => checkMoment({ ...good, ...broken })).to.throw(Violation, message)
    })

  it('find a file system that was made anew', () => {
    const after = { volume: { ...volume, used: { fileSystemUuid: 'another' } } }
    expect(() => fileSystemStays({ volume }, after)).to.throw(Violation, /^I4/)
    fileSystemStays({ volume }, { volume })
  })
})
