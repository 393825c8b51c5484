import { expect } from 'chai'

import { SharedRead } from '../../../lvm/shared-read.ts'
import { thrownBy } from './thrown.ts'

describe('shared read', () => {
  const counted = () => {
    const starts: PromiseWithResolvers<number>[] = []
    const shared = new SharedRead(() => {
      const start = Promise.withResolvers<number>()
      starts.push(start)
      return start.promise
    })
    return { starts, shared }
  }

  it('never answers with a read that began before the question', async () => {
    const { starts, shared } = counted()
    const first = shared.fresh()
    const second = shared.fresh()
    const third = shared.fresh()
    starts[0]?.resolve(1)
    expect(await first).to.equal(1)
    expect(starts).to.have.length(2)
    starts[1]?.resolve(2)
    expect(await Promise.all([second, third])).to.deep.equal([2, 2])
    expect(starts).to.have.length(2)
  })

  it('reads again after a failure', async () => {
    const { starts, shared } = counted()
    const first = thrownBy(shared.fresh())
    const second = shared.fresh()
    starts[0]?.reject(new Error('no'))
    expect(await first).to.have.property('message', 'no')
    starts[1]?.resolve(2)
    expect(await second).to.equal(2)
    const later = shared.fresh()
    starts[2]?.resolve(3)
    expect(await later).to.equal(3)
  })
})
