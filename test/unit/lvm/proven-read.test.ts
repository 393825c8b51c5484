import { expect } from 'chai'

import { ProvenRead } from '../../../lvm/proven-read.ts'
import { thrownBy } from './thrown.ts'

describe('lvm/proven-read', () => {
  let state: string | undefined
  let reads: number
  let whileReading: () => void
  let read: ProvenRead<string>

  beforeEach(() => {
    state = 'a'
    reads = 0
    whileReading = () => undefined
    read = new ProvenRead(
      () => Promise.resolve(state),
      () => {
        reads += 1
        const found = `read ${state} as number ${reads}`
        whileReading()
        return Promise.resolve(found)
      },
    )
  })

  it('reads once as long as the proof holds, and again after each change', async () => {
    for (let times = 0; times < 3; times += 1) expect(await read.fresh()).to.equal('read a as number 1')
    state = 'b'
    for (let times = 0; times < 3; times += 1) expect(await read.fresh()).to.equal('read b as number 2')
    state = 'a'
    expect(await read.fresh()).to.equal('read a as number 3')
  })

  it('reads each time while nothing can be proved, also when that was so only at the time of the read', async () => {
    state = undefined
    await read.fresh()
    await read.fresh()
    expect(reads).to.equal(2)
    state = 'a'
    await read.fresh()
    expect(reads).to.equal(3)
    state = undefined
    await read.fresh()
    expect(reads).to.equal(4)
  })

  it('keeps no result that raced with a change, whichever way that went', async () => {
    whileReading = () => (state = 'b')
    expect(await read.fresh()).to.equal('read a as number 1')
    whileReading = () => undefined
    expect(await read.fresh()).to.equal('read b as number 2')
    state = 'a'
    expect(await read.fresh()).to.equal('read a as number 3')
  })

  it('reads when it is told to, and hands that out from then on', async () => {
    await read.fresh()
    expect(await read.reread()).to.equal('read a as number 2')
    expect(await read.fresh()).to.equal('read a as number 2')
  })

  it('reads cheaply where that leads to a result, and only what is not proved', async () => {
    let cheapReads = 0
    let isHelpful = true
    const both = new ProvenRead<string | undefined>(
      () => Promise.resolve(state),
      () => Promise.resolve(`read ${state} as number ${++reads}`),
      () => {
        cheapReads += 1
        return Promise.resolve(isHelpful ? `saw ${state}` : undefined)
      },
    )
    expect(await both.cheapest()).to.equal('saw a')
    expect(await both.cheapest()).to.equal('saw a')
    expect([cheapReads, reads]).to.deep.equal([1, 0])
    state = 'b'
    isHelpful = false
    expect(await both.cheapest()).to.equal('read b as number 1')
    expect(await both.cheapest()).to.equal('read b as number 1')
    expect([cheapReads, reads]).to.deep.equal([2, 1])
  })

  it('reads cheaply again when a change came in between, some times', async () => {
    const changes = ['b', 'c']
    let cheapReads = 0
    const both = new ProvenRead<string | undefined>(
      () => Promise.resolve(state),
      () => Promise.resolve(`read ${state} as number ${++reads}`),
      () => {
        cheapReads += 1
        const found = `saw ${state}`
        state = changes.shift() ?? state
        return Promise.resolve(found)
      },
    )
    expect(await both.cheapest()).to.equal('saw c')
    expect([cheapReads, reads]).to.deep.equal([3, 0])
    changes.push('d', 'e', 'f')
    state = 'x'
    expect(await both.cheapest()).to.equal('read f as number 1')
  })

  it('never follows a newer result with an older one that was being proved meanwhile', async () => {
    const slow = Promise.withResolvers<string>()
    let isSlow = false
    const other = new ProvenRead(
      () => (isSlow ? slow.promise : Promise.resolve('a')),
      () => Promise.resolve(++reads),
    )
    await other.fresh()
    isSlow = true
    const older = other.fresh()
    isSlow = false
    expect(await other.reread()).to.equal(2)
    slow.resolve('a')
    expect(await older).to.be.above(1)
  })

  it('keeps nothing after a failure', async () => {
    await read.fresh()
    whileReading = () => {
      throw new Error('no')
    }
    await thrownBy(read.reread())
    whileReading = () => undefined
    expect(await read.fresh()).to.equal('read a as number 3')
  })

  describe('by a cheap way', () => {
    let cheap: string | undefined
    let whileCheap: () => void
    let other: ProvenRead<string>

    beforeEach(() => {
      cheap = 'cheap'
      whileCheap = () => undefined
      other = new ProvenRead(
        () => Promise.resolve(state),
        () => Promise.resolve(`costly ${++reads}`),
        () => {
          whileCheap()
          return Promise.resolve(cheap)
        },
      )
    })

    it('hands out what that found, until something changes', async () => {
      expect(await other.cheap()).to.equal('cheap')
      expect(await other.fresh()).to.equal('cheap')
      state = 'b'
      expect(await other.fresh()).to.equal('costly 1')
    })

    it('has nothing and keeps nothing when that leads nowhere, or something changes all the while', async () => {
      await other.fresh()
      cheap = undefined
      expect(await other.cheap()).to.equal(undefined)
      expect(await other.fresh()).to.equal('costly 2')
      cheap = 'cheap'
      let changes = 0
      whileCheap = () => (state = `change ${++changes}`)
      expect(await other.cheap()).to.equal(undefined)
      expect(await other.fresh()).to.equal('costly 3')
      state = undefined
      expect(await other.cheap()).to.equal(undefined)
    })
  })
})
