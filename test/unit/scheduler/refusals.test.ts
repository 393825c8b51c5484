import { expect } from 'chai'
import { Refusals } from '../../../scheduler/refusals.ts'

describe('scheduler/refusals', () => {
  let nowMs = 1000
  const make = (): Refusals => new Refusals(() => nowMs)

  it('know nothing of a claim that nobody refused', () => {
    const refusals = make()
    expect([...refusals.nodesOf('a')]).to.deep.equal([])
    expect(refusals.waitMs('a')).to.equal(0)
  })

  it('remember the nodes, and make the claim wait longer each time, up to five minutes', () => {
    const refusals = make()
    refusals.add('a', 'node1')
    expect(refusals.waitMs('a')).to.be.within(500, 1000)
    refusals.add('a', 'node2')
    expect(refusals.waitMs('a')).to.be.within(1000, 2000)
    expect([...refusals.nodesOf('a')]).to.deep.equal(['node1', 'node2'])
    for (let times = 0; times < 20; times += 1) refusals.add('a', 'node1')
    expect(refusals.waitMs('a')).to.be.within(150_000, 300_000)
    expect(refusals.waitMs('b')).to.equal(0)
  })

  it('let time pass, and forget', () => {
    const refusals = make()
    refusals.add('a', 'node1')
    nowMs += 1001
    expect(refusals.waitMs('a')).to.equal(0)
    refusals.forget('a')
    expect([...refusals.nodesOf('a')]).to.deep.equal([])
  })
})
