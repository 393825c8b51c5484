import { expect } from 'chai'
import { breakdownOf } from '../../../bench/csi/breakdown.ts'

describe('breakdown of a call', () => {
  it('adds up repetitions of a command, and has the rest of the call', () => {
    const commands = [
      { name: 'lvchange', ms: 30 },
      { name: 'mount', ms: 5 },
      { name: 'lvchange', ms: 20 },
    ]
    expect(breakdownOf([{ ms: 100, commands }])).to.deep.equal({ lvchangeMs: 50, mountMs: 5, restMs: 45 })
  })

  it('takes medians; a command that did not run took no time', () => {
    const calls = [
      { ms: 10, commands: [{ name: 'blkid', ms: 4 }] },
      { ms: 20, commands: [] },
      { ms: 30, commands: [{ name: 'blkid', ms: 6 }] },
    ]
    expect(breakdownOf(calls)).to.deep.equal({ blkidMs: 4, restMs: 20 })
  })

  it('of no call is nothing', () => {
    expect(breakdownOf([])).to.deep.equal({})
  })
})
