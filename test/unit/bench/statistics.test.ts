import { expect } from 'chai'
import { median, percentile } from '../../bench/statistics.ts'

describe('statistics of samples', () => {
  it('do not depend on the order of the samples', () => {
    expect(median([5, 1, 3])).to.equal(3)
    expect(percentile([10, 1, 9, 2, 8, 3, 7, 4, 6, 5], 0.9)).to.equal(10)
    expect(percentile([10, 1, 9, 2, 8, 3, 7, 4, 6, 5], 0)).to.equal(1)
  })

  it('are no number without samples', () => {
    expect(median([])).to.be.NaN
  })
})
