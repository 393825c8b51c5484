import { expect } from 'chai'
import { bareRunOf } from '../../../bench/provision/by-hand.ts'

describe('a bare script of a bench', () => {
  it('has the time of all and, of it, that of the POSTs', () => {
    const run = bareRunOf([1000, 1300, 1350, 1600, 1680])
    expect(run).to.deep.equal({ volumes: 2, totalMs: 680, curlMs: 130 })
  })

  it('that printed nothing has no time', () => {
    expect(bareRunOf([]).totalMs).to.deep.equal(Number.NaN)
  })
})
