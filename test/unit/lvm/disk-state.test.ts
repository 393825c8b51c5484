import { expect } from 'chai'

import { DiskStates, proofOf, type DiskState } from '../../../lvm/disk-state.ts'
import { eventually } from '../../support/eventually.ts'
import { withFile } from './files.ts'
import { HEADS } from './metadata-headers.ts'

const headers = (mark: string, showsChanges = true): DiskState => ({ kind: 'headers', mark, showsChanges })
const ABSENT: DiskState = { kind: 'absent' }
const DOUBT: DiskState = { kind: 'doubt' }

describe('lvm/disk-state', () => {
  const stateOf = async (head: Buffer): Promise<DiskState | undefined> => {
    let found: readonly DiskState[] = []
    await withFile(2n << 30n, async (path, write) => {
      await write(0, head)
      found = await new DiskStates().of([path])
    })
    return found[0]
  }

  it('differs after a change, and is the same as long as there is none', async () => {
    const before = await stateOf(HEADS.empty)
    expect(before).to.include({ kind: 'headers', showsChanges: true })
    expect(await stateOf(HEADS.empty)).to.deep.equal(before)
    expect(await stateOf(HEADS.one))
      .to.include({ kind: 'headers' })
      .and.not.to.deep.equal(before)
    expect(await stateOf(HEADS.orphan)).to.include({ kind: 'headers', showsChanges: false })
    expect(await stateOf(HEADS.noArea)).to.include({ kind: 'headers', showsChanges: false })
  })

  it('is in doubt where there is no label, or one of the areas cannot be read or has no whole header', async () => {
    expect(await stateOf(Buffer.alloc(8192))).to.deep.equal(DOUBT)
    expect(await stateOf(HEADS.twoAreas)).to.deep.equal(DOUBT)
    expect(await new DiskStates().of(['/dev/null', '/proc'])).to.deep.equal([DOUBT, DOUBT])
  })

  it('is absent only where there is nothing behind the path', async () => {
    expect(await new DiskStates().of(['/dev/disk/by-id/loam-nothing'])).to.deep.equal([ABSENT])
  })

  it('proves nothing with any disk in doubt, or when no disk shows changes', () => {
    expect(proofOf([])).to.equal(undefined)
    expect(proofOf([ABSENT, ABSENT])).to.equal(undefined)
    expect(proofOf([headers('a', false), ABSENT])).to.equal(undefined)
    expect(proofOf([headers('a'), DOUBT])).to.equal(undefined)
  })

  it('proves another state for each other mark, and for a disk that is not there any more', () => {
    const proofs = [
      [headers('a'), headers('b')],
      [headers('a'), headers('c')],
      [headers('b'), headers('a')],
      [headers('a'), ABSENT],
      [headers('a')],
    ].map(proofOf)
    expect(new Set(proofs).size).to.equal(5)
    expect(proofOf([headers('a'), headers('b')])).to.equal(proofs[0])
  })

  describe('of a disk that does not answer', () => {
    let begun: string[]
    let answer: () => void
    let hangs: boolean
    // a read that hangs for real holds a thread of this process for as long as it does
    const read = async (path: string): Promise<DiskState> => {
      begun.push(path)
      if (path.startsWith('dead') && hangs) await new Promise<void>((resolve) => (answer = resolve))
      return headers(path)
    }
    beforeEach(() => {
      begun = []
      hangs = true
    })

    it('is doubt after the deadline and at once from then on, with one read begun, until that has ended', async () => {
      const states = new DiskStates({ read, deadlineMs: 20, threads: 2 })
      const many = await Promise.all(Array.from({ length: 5 }, () => states.of(['dead', 'sound'])))
      for (const found of many) expect(found).to.deep.equal([DOUBT, headers('sound')])
      for (let times = 0; times < 5; times += 1) expect(await states.of(['dead'])).to.deep.equal([DOUBT])
      expect(begun.filter((path) => path === 'dead')).to.have.length(1)
      hangs = false
      answer()
      await eventually(
        'the disk is read again',
        async () => (await states.of(['dead']))[0]?.kind === 'headers',
      )
    })

    it('takes no more threads than it may, however many there are', async () => {
      const states = new DiskStates({ read, deadlineMs: 20, threads: 2 })
      const found = await states.of(['dead-1', 'dead-2', 'dead-3', 'sound'])
      expect(found).to.deep.equal([DOUBT, DOUBT, DOUBT, DOUBT])
      expect(begun).to.deep.equal(['dead-1', 'dead-2'])
    })
  })
})
