import { expect } from 'chai'
import { Creations } from '../../../lvm/creations.ts'
import type { CreateVolumeRequest } from '../../../lvm/types.ts'

const request = (name: string): CreateVolumeRequest => ({ name }) as CreateVolumeRequest

describe('lvm/creations', () => {
  it('counts what is being made, until it is made or has failed', async () => {
    const creations = new Creations()
    let end: (() => void) | undefined
    const made = creations.during(
      [request('a'), request('b')],
      () => new Promise<void>((done) => (end = done)),
    )
    const failed = creations
      .during([request('c')], () => Promise.reject(new Error('no')))
      .catch((error: unknown) => (error as Error).message)
    expect(creations.current.map(({ name }) => name)).to.deep.equal(['a', 'b', 'c'])
    expect(await failed).to.equal('no')
    expect(creations.current.map(({ name }) => name)).to.deep.equal(['a', 'b'])
    end?.()
    await made
    expect(creations.current).to.deep.equal([])
  })
})
