import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Turns } from '../../../agent/turns.ts'

describe('agent/turns', () => {
  it('holds several keys at once, whatever order they are named in', async () => {
    const turns = new Turns()
    const at = new Map<string, number>()
    let most = 0
    const work = (keys: readonly string[]) => async (): Promise<void> => {
      for (const key of keys) {
        at.set(key, (at.get(key) ?? 0) + 1)
        most = Math.max(most, at.get(key) ?? 0)
      }
      await sleep(1)
      for (const key of keys) at.set(key, (at.get(key) ?? 0) - 1)
    }
    const wanted = [['a', 'b'], ['b', 'a'], ['c', 'a'], ['b', 'c'], ['a', 'b', 'c'], ['c']]
    await Promise.all(wanted.map((keys) => turns.runAll(keys, work(keys))))
    expect([...at.values()]).to.deep.equal([0, 0, 0])
    expect(most).to.equal(1)
  })

  it('lets the next one in after a failure', async () => {
    const turns = new Turns()
    const failed = await turns
      .runAll(['a', 'b'], () => Promise.reject(new Error('no')))
      .catch((error: unknown) => (error as Error).message)
    expect(failed).to.equal('no')
    expect(await turns.runAll(['b', 'a'], () => Promise.resolve('in'))).to.equal('in')
  })
})
