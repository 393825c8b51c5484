import { expect } from 'chai'
import { GiveBackPace } from '../../../agent/give-back-pace.ts'

describe('agent/give-back-pace', () => {
  let now: number
  let pace: GiveBackPace
  beforeEach(() => {
    now = 1000
    pace = new GiveBackPace(() => now)
  })

  it('lets a claim go at once the first time', () => expect(pace.delayMs(['a'])).to.equal(0))

  it('waits longer each time, to one minute', () => {
    const waits = Array.from({ length: 8 }, () => {
      pace.note(['a'])
      const delay = pace.delayMs(['a'])
      now += delay
      return delay
    })
    expect(waits).to.deep.equal([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
  })

  it('keeps claims apart, and makes those of one pod wait for the slowest', () => {
    pace.note(['a'])
    expect(pace.delayMs(['b'])).to.equal(0)
    expect(pace.delayMs(['b', 'a'])).to.equal(1000)
    now += 400
    expect(pace.delayMs(['a'])).to.equal(600)
  })

  it('forgets a claim that did not come back for ten minutes', () => {
    for (let times = 0; times < 5; times += 1) pace.note(['a'])
    now += 11 * 60_000
    pace.note(['b'])
    pace.note(['a'])
    expect(pace.delayMs(['a'])).to.equal(1000)
  })
})
