import { expect } from 'chai'
import { TokenBuckets } from '../../../kube/token-buckets.ts'

describe('token buckets', () => {
  let now: number
  let buckets: TokenBuckets
  const takes = (key: string, count: number) => Array.from({ length: count }, () => buckets.take(key))

  beforeEach(() => {
    now = 0
    buckets = new TokenBuckets({ burst: 2, refillMs: 100, maxKeys: 2 }, () => now)
  })

  it('lets a burst through, then one for each interval', () => {
    expect(takes('a', 3)).to.deep.equal([true, true, false])
    now = 99
    expect(takes('a', 1)).to.deep.equal([false])
    now = 100
    expect(takes('a', 2)).to.deep.equal([true, false])
  })

  it('saves up no more than a burst', () => {
    takes('a', 2)
    now = 100_000
    expect(takes('a', 3)).to.deep.equal([true, true, false])
  })

  it('does not let one key use up the tokens of another', () => {
    takes('a', 5)
    expect(takes('b', 1)).to.deep.equal([true])
  })

  it('forgets the key that acted longest ago', () => {
    takes('a', 2)
    takes('b', 2)
    takes('a', 1)
    takes('c', 1)
    expect(takes('a', 1), 'still known, still empty').to.deep.equal([false])
    expect(takes('b', 1), 'forgotten, so full').to.deep.equal([true])
  })
})
