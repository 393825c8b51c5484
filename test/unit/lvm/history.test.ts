import { expect } from 'chai'

import { Frozen } from '../../../lvm/errors.ts'
import { GroupHistory, markOf } from '../../../lvm/history.ts'
import type { GroupMark, LogicalVolume, VolumeGroup } from '../../../lvm/types.ts'

const group: VolumeGroup = {
  name: 'loam-fast',
  uuid: 'g1',
  sizeBytes: 1n << 30n,
  freeBytes: 1n << 30n,
  extentSizeBytes: 4n << 20n,
  seqno: 5,
  tags: ['a', 'b'],
  missingPhysicalVolumes: 0,
  physicalVolumes: [],
}
const volume: LogicalVolume = {
  handle: { groupUuid: 'g1', volumeUuid: 'v1' },
  groupName: 'loam-fast',
  name: 'pvc-1',
  sizeBytes: 4n << 20n,
  tags: ['x', 'y'],
  record: undefined,
  active: false,
  open: false,
  segmentType: 'linear',
  health: '',
  syncPercent: undefined,
}
const digestOf = (change: Partial<LogicalVolume>, tags = group.tags): string =>
  markOf({ group: { ...group, tags }, volumes: [{ ...volume, ...change }] }).digest

describe('mark of a group', () => {
  it('changes with what the metadata says of volumes and tags', () => {
    const other = [
      digestOf({ name: 'pvc-2' }),
      digestOf({ sizeBytes: 8n << 20n }),
      digestOf({ tags: ['x'] }),
      digestOf({}, ['a']),
    ]
    expect(new Set([digestOf({}), ...other])).to.have.length(5)
  })

  it('stays when only the moment, or the order, differs', () => {
    expect(digestOf({ active: true, open: true, tags: ['y', 'x'] }, ['b', 'a'])).to.equal(digestOf({}))
  })
})

const mark = (seqno: number, content: string): GroupMark => ({ seqno, digest: `v1-${content}` })

/** What comes of finding these states one after the other. */
const fault = (history: GroupHistory, found: GroupMark): Frozen | undefined => {
  try {
    history.judge('loam-fast', found)
    return undefined
  } catch (error) {
    if (error instanceof Frozen) return error
    throw error
  }
}
const COMMAND = 'kubectl annotate nls fast accept='
const historyAt = (recorded: GroupMark | undefined, tickets: readonly string[] = []): GroupHistory => {
  const history = new GroupHistory()
  history.expect(recorded, tickets, COMMAND)
  return history
}

describe('history of a group', () => {
  const cases: [string, GroupMark | undefined, GroupMark, boolean][] = [
    ['anything, when nothing was written down', undefined, mark(3, 'a'), true],
    ['what was written down', mark(7, 'a'), mark(7, 'a'), true],
    ['a later state: a crash came before it was written down', mark(7, 'a'), mark(9, 'b'), true],
    ['an earlier state', mark(7, 'b'), mark(6, 'a'), false],
    ['an earlier state with the same content', mark(7, 'a'), mark(6, 'a'), false],
    ['other content under the same number', mark(7, 'b'), mark(7, 'a'), false],
    ['the same number with a digest of another version', { seqno: 7, digest: 'abc' }, mark(7, 'a'), true],
    ['an earlier number with a digest of another version', { seqno: 7, digest: 'abc' }, mark(6, 'a'), false],
  ]
  for (const [what, recorded, found, isFine] of cases)
    it(`${isFine ? 'goes on with' : 'freezes at'} ${what}`, () => {
      expect(fault(historyAt(recorded), found)?.because).to.equal(isFine ? undefined : 'MetadataWentBack')
    })

  it('notices within one process, too, and thaws when the newest state is back', () => {
    const history = historyAt(undefined)
    expect(fault(history, mark(7, 'b'))).to.equal(undefined)
    expect(fault(history, mark(7, 'a'))).to.be.instanceOf(Frozen)
    expect(fault(history, mark(7, 'b'))).to.equal(undefined)
  })

  it('says which command accepts the state, and goes on once it was given', () => {
    const error = fault(historyAt(mark(9, 'c')), mark(6, 'a'))
    expect(error?.message).to.contain('version 9 was there, now it is version 6')
    expect(error?.message).to.contain(`${COMMAND}9.v1-a`)
    const history = historyAt(mark(9, 'c'), ['9.v1-a'])
    expect(fault(history, mark(6, 'a'))).to.equal(undefined)
    expect(fault(history, mark(7, 'b')), 'the group lives on from there').to.equal(undefined)
    history.expect(mark(8, 'x'), [], '')
    expect(fault(history, mark(7, 'b')), 'an older record of another class').to.equal(undefined)
  })

  it('takes a ticket for one step back, not for any later one to the same state', () => {
    const history = historyAt(mark(9, 'c'), ['9.v1-a'])
    expect(fault(history, mark(6, 'a'))).to.equal(undefined)
    expect(fault(history, mark(12, 'd'))).to.equal(undefined)
    expect(fault(history, mark(6, 'a'))).to.be.instanceOf(Frozen)
  })

  const wrong = ['9.v1-b', '5.v1-a', 'v1-a', '9.', '', 'yes']
  for (const ticket of wrong)
    it(`does not take ${JSON.stringify(ticket)} for a ticket`, () => {
      expect(fault(historyAt(mark(9, 'c'), [ticket]), mark(6, 'a'))).to.be.instanceOf(Frozen)
    })

  it('believes what was written down more than a state met first in this process', () => {
    const history = historyAt(undefined)
    expect(fault(history, mark(7, 'a'))).to.equal(undefined)
    history.expect(mark(7, 'b'), [], '')
    expect(fault(history, mark(7, 'a'))).to.be.instanceOf(Frozen)
  })
})
