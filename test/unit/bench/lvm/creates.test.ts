import { expect } from 'chai'
import { ratesOf } from '../../../bench/lvm/creates.ts'

describe('rates of creation', () => {
  it('are those of the first slices, an incomplete one included', () => {
    const slices = [
      { volumes: 20, roomMs: 10_000, bareMs: 5000 },
      { volumes: 5, roomMs: 2500, bareMs: 5000 },
    ]
    expect(ratesOf(slices, 20)).to.deep.equal({ volumes: 20, room: 2, bare: 4 })
    expect(ratesOf(slices, 25)).to.deep.equal({ volumes: 25, room: 2, bare: 2.5 })
  })
})
