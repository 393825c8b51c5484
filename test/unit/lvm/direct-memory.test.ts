import { expect } from 'chai'

import { withPages } from '../../../lvm/direct-memory.ts'
import { thrownBy } from './thrown.ts'

describe('lvm/direct-memory', () => {
  const memoryOf = (bytes: number): Promise<ArrayBufferLike> =>
    withPages(bytes, (pages) => Promise.resolve(pages.buffer))

  it('lends the same memory again, also after a failure, and never to two at a time', async () => {
    const first = await memoryOf(8192)
    expect(await thrownBy(withPages(8192, () => Promise.reject(new Error('EIO'))))).to.be.an('error')
    await withPages(8192, async (one) => {
      expect(one.buffer).to.equal(first)
      expect(await memoryOf(8192)).not.to.equal(first)
    })
  })

  it('gives at least what was asked for', async () => {
    for (const bytes of [4096, 1 << 20, 8192, 2 << 20, 4096])
      await withPages(bytes, (pages) => Promise.resolve(expect(pages.length).to.be.at.least(bytes)))
  })

  it('keeps no more than a little', async () => {
    const large = await memoryOf(2 << 20)
    expect(await memoryOf(2 << 20), 'larger than what is kept').not.to.equal(large)
    const sizes = [1 << 19, 1 << 18, 1 << 17]
    const lent: ArrayBufferLike[] = []
    const nest = async ([bytes, ...rest]: number[]): Promise<void> =>
      bytes === undefined
        ? undefined
        : withPages(bytes, async (pages) => {
            lent.push(pages.buffer)
            await nest(rest)
          })
    await nest(sizes)
    await withPages(1, (one) =>
      withPages(1, (two) =>
        withPages(1, (three) => {
          expect([one, two].every(({ length }) => length > 1 << 17)).to.equal(true)
          expect(three.length).to.equal(1)
          return Promise.resolve()
        }),
      ),
    )
  })
})
