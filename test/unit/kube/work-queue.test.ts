import { expect } from 'chai'
import { silentLogger } from '../../../core/logger.ts'
import { TooManyRequests } from '../../../kube/errors.ts'
import { createWorkQueue, type ReconcileResult, type WorkQueue } from '../../../kube/work-queue.ts'
import { eventually } from '../../support/eventually.ts'

const BACKOFF = { firstMs: 10, maxMs: 40, leastShare: 1 }

describe('work queue', () => {
  let queue: WorkQueue | undefined
  afterEach(() => queue?.stop())

  const start = (
    reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult | undefined>,
    concurrency = 1,
  ): WorkQueue => {
    queue = createWorkQueue({ name: 'test', concurrency, reconcile, log: silentLogger, backoff: BACKOFF })
    return queue
  }
  /** Work that lasts until it is let go, and a record of what runs. */
  const held = () => {
    const runs: string[] = []
    const running: string[] = []
    const holds = new Map<string, () => void>()
    const reconcile = async (key: string): Promise<undefined> => {
      runs.push(key)
      running.push(key)
      await new Promise<void>((resolve) => holds.set(key, resolve))
      running.splice(running.indexOf(key), 1)
    }
    return { runs, running, reconcile, letGo: (key: string) => holds.get(key)?.() }
  }

  it('runs a key once for many adds before it starts', async () => {
    const work = held()
    const { add } = start(work.reconcile)
    add('busy')
    for (const key of ['a', 'a', 'b', 'a']) add(key)
    await eventually('busy runs', () => work.running.includes('busy'))
    work.letGo('busy')
    await eventually('a runs', () => work.running.includes('a'))
    work.letGo('a')
    await eventually('b runs', () => work.running.includes('b'))
    work.letGo('b')
    await eventually('all is done', () => work.running.length === 0)
    expect(work.runs).to.deep.equal(['busy', 'a', 'b'])
  })

  it('runs a key once more when it was added while it ran, never twice at once', async () => {
    const work = held()
    const { add } = start(work.reconcile, 4)
    add('a')
    await eventually('a runs', () => work.running.includes('a'))
    add('a')
    add('a')
    expect(work.running).to.deep.equal(['a'])
    work.letGo('a')
    await eventually('a runs again', () => work.runs.length === 2)
    expect(work.running).to.deep.equal(['a'])
    work.letGo('a')
    await eventually('a is done', () => work.running.length === 0)
    expect(work.runs).to.deep.equal(['a', 'a'])
  })

  it('works on as many keys at once as it may', async () => {
    const work = held()
    const { add } = start(work.reconcile, 2)
    for (const key of ['a', 'b', 'c']) add(key)
    await eventually('two run', () => work.running.length === 2)
    expect(work.running).to.deep.equal(['a', 'b'])
    work.letGo('a')
    await eventually('c runs', () => work.running.includes('c'))
    work.letGo('b')
    work.letGo('c')
  })

  it('tries a failed key again after longer and longer waits, and forgets that on success', async () => {
    const times: number[] = []
    const { add } = start(() => {
      times.push(performance.now())
      return times.length <= 3 || times.length === 5
        ? Promise.reject(new Error('no'))
        : Promise.resolve(undefined)
    })
    add('a')
    await eventually('the fourth try', () => times.length === 4)
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0))
    for (const [index, atLeastMs] of [10, 20, 40].entries())
      expect(waits[index], `wait ${index}`).to.be.at.least(atLeastMs - 1)
    add('a')
    await eventually('a try after the fifth failed', () => times.length === 6)
    expect((times[5] ?? 0) - (times[4] ?? 0), 'wait after a success in between').to.be.within(9, 39)
  })

  it('waits at least as long as the server asked', async () => {
    const times: number[] = []
    const { add } = start(() => {
      times.push(performance.now())
      const error = new TooManyRequests('x', 'busy', { retryAfterMs: 120 })
      return times.length === 1 ? Promise.reject(error) : Promise.resolve(undefined)
    })
    add('a')
    await eventually('the second try', () => times.length === 2)
    expect((times[1] ?? 0) - (times[0] ?? 0)).to.be.at.least(119)
  })

  it('goes on with other keys when one fails at once', async () => {
    const done: string[] = []
    const { add } = start((key) => {
      if (key === 'bad') throw new Error('thrown, not rejected')
      done.push(key)
      return Promise.resolve(undefined)
    })
    add('bad')
    add('good')
    await eventually('the good key', () => done.includes('good'))
  })

  it('looks again after the time that the work asked for', async () => {
    let runs = 0
    const { add } = start(() => {
      runs += 1
      return Promise.resolve(runs === 1 ? { requeueAfterMs: 10 } : undefined)
    })
    add('a')
    await eventually('a second run', () => runs === 2)
  })

  it('takes a time that is past for now, and Node has nothing to warn of', async () => {
    const warnings: string[] = []
    const heed = ({ name }: Error): void => void warnings.push(name)
    process.on('warning', heed)
    let runs = 0
    const { addAfter } = start(() => Promise.resolve(void (runs += 1)))
    addAfter('a', -173)
    await eventually('a run', () => runs === 1)
    process.off('warning', heed)
    expect(warnings).to.deep.equal([])
  })

  it('takes the earliest of several times', async () => {
    const times: number[] = []
    const { addAfter } = start(() => {
      times.push(performance.now())
      return Promise.resolve(undefined)
    })
    const startedAt = performance.now()
    addAfter('a', 60_000)
    addAfter('a', 20)
    addAfter('a', 30_000)
    await eventually('a run', () => times.length === 1)
    expect((times[0] ?? 0) - startedAt).to.be.within(19, 5_000)
  })

  it('does not take a time of months for no time at all', async () => {
    let runs = 0
    const { add, addAfter } = start(() => {
      runs += 1
      return Promise.resolve(undefined)
    })
    addAfter('a', 2 ** 40)
    add('b')
    await eventually('b ran', () => runs > 0)
    expect(runs).to.equal(1)
  })

  it('waits on stop for what runs, tells it so, and starts nothing more', async () => {
    const runs: string[] = []
    const { add, addAfter, stop } = start(async (key, signal) => {
      runs.push(key)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => setTimeout(resolve, 20)))
      runs.push(`${key} ended`)
      return undefined
    })
    add('a')
    add('b')
    addAfter('c', 1)
    await eventually('a runs', () => runs.length === 1)
    add('a')
    await stop()
    add('d')
    addAfter('e', 0)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(runs).to.deep.equal(['a', 'a ended'])
  })
})
