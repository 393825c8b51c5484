import { expect } from 'chai'
import { backoffMs } from '../../../kube/backoff.ts'

const BACKOFF = { firstMs: 100, maxMs: 1000, leastShare: 0.5 }
const waits = (random: number) =>
  [1, 2, 3, 4, 5, 2000].map((failures) => backoffMs(BACKOFF, failures, () => random))

describe('backoff', () => {
  it('doubles up to its bound, also after thousands of failures', () => {
    expect(waits(1)).to.deep.equal([100, 200, 400, 800, 1000, 1000])
  })

  it('never waits less than its least share', () => {
    expect(waits(0)).to.deep.equal([50, 100, 200, 400, 500, 500])
  })
})
