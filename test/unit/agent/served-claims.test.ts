import { expect } from 'chai'
import { ServedClaims } from '../../../agent/served-claims.ts'

describe('agent/served-claims', () => {
  it('remembers each for half a minute since it was last served', () => {
    let nowMs = 0
    const served = new ServedClaims(() => nowMs)
    served.note('a')
    nowMs = 10_000
    served.note('b')
    expect(served.uids()).to.deep.equal(['a', 'b'])
    nowMs = 20_000
    served.note('a')
    nowMs = 40_000
    expect(served.uids()).to.deep.equal(['a'])
    nowMs = 50_000
    expect(served.uids()).to.deep.equal([])
  })
})
