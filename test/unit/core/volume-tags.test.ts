import { expect } from 'chai'
import {
  clusterOfGroup,
  erasedBytesOf,
  erasedTag,
  groupTagsOf,
  recordOf,
  stateTag,
  tagsOf,
  VOLUME_STATES,
  type VolumeRecord,
} from '../../../core/volume-tags.ts'

const record: VolumeRecord = {
  state: 'new',
  clusterId: '6f9619ff-8b86-d011-b42d-00cf4fc964ff',
  claimUid: '0f0e0d0c-0b0a-0908-0706-050403020100',
  claimNamespace: 'databases',
  claimName: 'data-postgres-0',
  storageClassName: 'fast',
  erase: 'zero',
  content: 'ext4',
}

describe('core/volume-tags', () => {
  it('reads the record that it writes, whatever order LVM gives the tags in', () => {
    expect(recordOf([...tagsOf(record)].reverse())).to.deep.equal(record)
  })

  it('reads back who made it, and gives no record when that is nobody it knows', () => {
    const made: VolumeRecord = { ...record, madeBy: 'csi' }
    expect(recordOf(tagsOf(made))).to.deep.equal(made)
    expect(recordOf([...tagsOf(record), 'loam.made-by=somebody'])).to.equal(undefined)
  })

  it('uses only characters that LVM allows in a tag', () => {
    for (const tag of [...tagsOf(record), ...groupTagsOf(record.clusterId)])
      expect(tag).to.match(/^[A-Za-z0-9_+.\-/=!:&#]{1,1024}$/)
  })

  it('passes over tags of other people', () => {
    expect(recordOf(['backup', ...tagsOf(record)])).to.deep.equal(record)
  })

  for (const tag of tagsOf(record)) {
    it(`gives no record without ${tag}`, () => {
      expect(recordOf(tagsOf(record).filter((other) => other !== tag))).to.equal(undefined)
    })
  }

  it('gives no record when two states are there', () => {
    expect(recordOf([...tagsOf(record), stateTag('used')])).to.equal(undefined)
  })

  it('gives no record of an unknown state', () => {
    expect(
      recordOf(tagsOf(record).map((tag) => (tag === stateTag('new') ? 'loam.state=fresh' : tag))),
    ).to.equal(undefined)
  })

  for (const state of VOLUME_STATES) {
    it(`knows the state ${state}`, () =>
      expect(recordOf(tagsOf({ ...record, state }))?.state).to.equal(state))
  }

  it('tells whose a group is, and does not guess', () => {
    expect(clusterOfGroup(groupTagsOf('c-1'))).to.equal('c-1')
    expect(clusterOfGroup([])).to.equal(undefined)
    expect(clusterOfGroup(['loam.cluster=c-1'])).to.equal(undefined)
  })

  it('says how far a volume is erased, and nothing when that is not told once and plainly', () => {
    expect(erasedBytesOf(['loam.state=erasing', erasedTag(16n << 30n)])).to.equal(16n << 30n)
    for (const tags of [[], ['loam.erased='], ['loam.erased=-1'], ['loam.erased=1', 'loam.erased=2']])
      expect(erasedBytesOf(tags), tags.join(' ')).to.equal(0n)
  })
})
