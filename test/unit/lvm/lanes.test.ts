import { expect } from 'chai'

import { Busy, OutcomeUnknown } from '../../../lvm/errors.ts'
import { Lanes } from '../../../lvm/lanes.ts'
import { StuckWork } from '../../../lvm/stuck-work.ts'
import { thrownBy } from './thrown.ts'

const never = (): void => undefined

describe('lanes', () => {
  it('runs one task at a time in a lane, in order, and lanes beside each other', async () => {
    const lanes = new Lanes(new StuckWork('volume group'))
    const events: string[] = []
    const first = Promise.withResolvers<undefined>()
    const task =
      (name: string, wait: Promise<unknown> = Promise.resolve()) =>
      async () => {
        events.push(`${name} starts`)
        await wait
        events.push(`${name} ends`)
        return name
      }
    const a1 = lanes.run('a', task('a1', first.promise))
    const a2 = lanes.run('a', task('a2'))
    expect(await lanes.run('b', task('b1'))).to.equal('b1')
    first.resolve(undefined)
    expect(await Promise.all([a1, a2])).to.deep.equal(['a1', 'a2'])
    expect(events).to.deep.equal(['a1 starts', 'b1 starts', 'b1 ends', 'a1 ends', 'a2 starts', 'a2 ends'])
  })

  it('goes on after an error', async () => {
    const lanes = new Lanes(new StuckWork('volume group'))
    expect(await thrownBy(lanes.run('a', () => Promise.reject(new Error('no'))))).to.have.property(
      'message',
      'no',
    )
    expect(await lanes.run('a', () => Promise.resolve(1))).to.equal(1)
  })

  it('starts nothing behind work that did not end in time, and goes on when it ends', async () => {
    const lanes = new Lanes(new StuckWork('volume group'))
    const work = Promise.withResolvers<undefined>()
    const ended = work.promise.then(never)
    const stuck = new OutcomeUnknown('command "lvcreate"', 'not over', { ended })
    let started = 0
    const behind = () => Promise.resolve(++started)
    const failed = thrownBy(lanes.run('a', () => Promise.reject(stuck)))
    const queued = thrownBy(lanes.run('a', behind))
    expect(await failed).to.equal(stuck)
    expect(await queued).to.be.instanceOf(Busy)
    expect(await thrownBy(lanes.run('a', behind))).to.be.instanceOf(Busy)
    expect(started).to.equal(0)
    expect(await lanes.run('b', () => Promise.resolve('other group'))).to.equal('other group')
    work.resolve(undefined)
    await ended
    expect(await lanes.run('a', behind)).to.equal(1)
  })

  it('is not stuck by an unknown outcome of work that is over', async () => {
    const lanes = new Lanes(new StuckWork('volume group'))
    await thrownBy(lanes.run('a', () => Promise.reject(new OutcomeUnknown('x', 'was killed'))))
    expect(await lanes.run('a', () => Promise.resolve(never))).to.equal(never)
  })
})
