import { expect } from 'chai'
import { eventually } from '../../support/eventually.ts'
import {
  statusBody,
  type EditedLine,
  type Fault,
  type FaultRule,
  type LineEditor,
  type ProxiedRequest,
} from './faulty-proxy.ts'
import {
  CONFIG_MAPS,
  configMap,
  createMany,
  named,
  preconditionsOf,
  startProxied,
  useApiServer,
  type ProxiedFixture,
} from './fixture.ts'
import { follow } from './followed.ts'

const pass = (line: Buffer): EditedLine => ({ pieces: [line] })

/** Passes lines on, but does `edit` to the one at `index`. */
const at = (index: number, edit: (line: Buffer) => EditedLine): LineEditor => {
  let count = 0
  return (line) => (count++ === index ? edit(line) : pass(line))
}

/** Holds the line at `index` back, and gives it behind the next. */
const swapAt = (index: number): LineEditor => {
  let count = 0
  let held: Buffer | undefined
  return (line) => {
    if (count++ === index) {
      held = Buffer.from(line)
      return { pieces: [] }
    }
    const pieces = held === undefined ? [line] : [line, held]
    held = undefined
    return { pieces }
  }
}

/** Gives the first line once more behind the one at `index`. */
const staleAt = (index: number): LineEditor => {
  let count = 0
  let first: Buffer | undefined
  return (line) => {
    first ??= Buffer.from(line)
    return { pieces: count++ === index ? [line, first] : [line] }
  }
}

const silentAfter = (events: number): LineEditor => {
  let count = 0
  return (line) => (count++ < events ? pass(line) : { pieces: [] })
}

const cutAt = (line: Buffer, offset: number): EditedLine => ({
  pieces: [line.subarray(0, offset)],
  reset: true,
})

const errorLine = (code: number, reason: string): EditedLine => ({
  pieces: [`${JSON.stringify({ type: 'ERROR', object: statusBody(code, reason, 'from the proxy') })}\n`],
})

/** The lines of a watch: a comes, b comes, a changes, b changes, a goes. `lists` is how often everything is read. */
const WATCH_FAULTS: readonly (readonly [what: string, make: () => LineEditor, lists: number])[] = [
  ['an event cut in the middle', () => at(1, (line) => cutAt(line, line.length / 2)), 1],
  ['an event cut in a character', () => at(1, (line) => cutAt(line, line.indexOf('ö') + 1)), 1],
  ['an event without its newline', () => at(1, (line) => cutAt(line, line.length - 1)), 1],
  ['half an event joined to the next', () => at(1, (line) => ({ pieces: [line.subarray(0, 40)] })), 2],
  ['every event twice', () => (line) => ({ pieces: [line, line] }), 1],
  ['events of two objects swapped', () => swapAt(0), 2],
  ['a deletion before the last change', () => swapAt(2), 2],
  ['an old version after a newer', () => staleAt(2), 2],
  ['an object that comes back after its deletion', () => staleAt(4), 2],
  ['silence from the second event on', () => silentAfter(1), 1],
  ['an error event 410', () => at(1, () => errorLine(410, 'Expired')), 2],
  ['an error event 500', () => at(1, () => errorLine(500, 'InternalError')), 2],
  ['an error event 429', () => at(1, () => errorLine(429, 'TooManyRequests')), 1],
]

const answer = (status: number, reason: string, headers: Readonly<Record<string, string>> = {}): Fault => ({
  kind: 'answer',
  status,
  body: statusBody(status, reason, 'from the proxy'),
  headers,
})

const REQUEST_FAULTS: Readonly<Record<string, Fault>> = {
  'dropped before the server': { kind: 'drop' },
  'lost on the way back': { kind: 'lose' },
  'cut in the middle': { kind: 'truncate' },
  'answered 410': answer(410, 'Expired'),
  'answered 500': answer(500, 'InternalError'),
  'answered 503': answer(503, 'ServiceUnavailable'),
}

describe('reflector through a faulty proxy', function () {
  this.timeout(60_000)
  const api = useApiServer()
  let line: ProxiedFixture
  let stopping: AbortController

  beforeEach(async () => {
    stopping = new AbortController()
    line = await startProxied(api)
  })
  afterEach(() => {
    stopping.abort()
    line.stop()
  })

  const lists = () => line.proxy.requests.filter(({ watch }) => !watch).length
  const watches = () => line.proxy.requests.filter(({ watch }) => watch).length

  /** Does `fault` to the first request that `fits`. */
  const once = (fits: (request: ProxiedRequest) => boolean, fault: Fault): FaultRule => {
    let done = false
    return (request) => {
      if (done || !fits(request)) return undefined
      done = true
      return fault
    }
  }

  const changeAll = async (prefix: string): Promise<void> => {
    const a = await api.client.create(CONFIG_MAPS, configMap(`${prefix}a`, { value: 'größer' }))
    await api.client.create(CONFIG_MAPS, configMap(`${prefix}b`, { value: 'größer' }))
    for (const name of ['a', 'b'])
      await api.client.patch(
        CONFIG_MAPS,
        named(`${prefix}${name}`),
        { data: { value: 'ö' } },
        { type: 'merge' },
      )
    await api.client.delete(CONFIG_MAPS, named(`${prefix}a`), preconditionsOf(a))
  }

  for (const [index, [what, make, expectedLists]] of WATCH_FAULTS.entries())
    it(`ends in the truth after ${what}`, async () => {
      const prefix = `watch${index}-`
      line.proxy.rule = once(({ watch }) => watch, { kind: 'lines', edit: make() })
      const followed = follow(
        line.transport,
        stopping.signal,
        prefix,
        what.startsWith('silence') ? 300 : undefined,
      )
      await eventually('a watch is open', () => followed.store.trouble === undefined)
      await changeAll(prefix)
      await eventually(`list ${expectedLists}`, () => lists() >= expectedLists)
      await followed.converged(api.client)
      expect(lists(), 'lists').to.equal(expectedLists)
      expect(followed.wentBack).to.deep.equal([])
    })

  for (const [what, fault] of Object.entries(REQUEST_FAULTS)) {
    it(`ends in the truth after a list was ${what}`, async () => {
      line.proxy.rule = once(({ watch }) => !watch, fault)
      const followed = follow(line.transport, stopping.signal, 'watch')
      await followed.store.synced
      await followed.converged(api.client)
      expect(lists()).to.equal(2)
    })

    // A watch that is lost or cut as a whole would never end: the server ends it after minutes.
    if (fault.kind === 'drop' || fault.kind === 'answer')
      it(`ends in the truth after a watch was ${what}`, async () => {
        line.proxy.rule = once(({ watch }) => watch, fault)
        const prefix = `opened-${what.replaceAll(/\W+/g, '-')}-`
        const followed = follow(line.transport, stopping.signal, prefix)
        await eventually('a watch is open', () => watches() === 2 && followed.store.trouble === undefined)
        await changeAll(prefix)
        await followed.converged(api.client)
      })
  }

  it('waits as long as a 429 says, and not longer', async () => {
    line.proxy.rule = once(({ watch }) => watch, answer(429, 'TooManyRequests', { 'retry-after': '1' }))
    const followed = follow(line.transport, stopping.signal, 'shed-')
    await eventually('a second watch', () => watches() === 2 && followed.store.trouble === undefined)
    expect(followed.warnings.map(({ waitMs }) => waitMs)).to.deep.equal([1000])
    expect(lists()).to.equal(1)
  })

  it('gets a real 410 when its version was forgotten while it was cut off, and misses no deletion', async () => {
    const gone = await api.client.create(CONFIG_MAPS, configMap('cut-gone'))
    const followed = follow(line.transport, stopping.signal, 'cut-')
    await eventually('a watch is open', () => followed.store.trouble === undefined)
    line.proxy.rule = ({ watch }) => (watch ? { kind: 'drop' } : undefined)
    line.proxy.breakWatches()
    await eventually('the break was noticed', () => followed.store.trouble)
    await api.client.delete(CONFIG_MAPS, named('cut-gone'), preconditionsOf(gone))
    await api.client.create(CONFIG_MAPS, configMap('cut-gone', { value: 'another' }))
    await api.server.compact()
    line.proxy.rule = undefined
    await followed.converged(api.client)
    expect(lists()).to.equal(2)
    expect(followed.warnings.some(({ error }) => String(error).includes('410'))).to.equal(true)
  })

  it('begins a list anew when its second page is held back until the server has forgotten it', async () => {
    await createMany(api.client, 'paged', 600)
    const compacted = Promise.withResolvers<undefined>()
    line.proxy.rule = once(({ url }) => url.searchParams.has('continue'), {
      kind: 'hold',
      until: compacted.promise,
    })
    const followed = follow(line.transport, stopping.signal, 'paged-')
    await eventually('the second page is asked for', () => lists() === 2)
    const doomed = await api.client.get(CONFIG_MAPS, named('paged-0'))
    if (doomed === undefined) throw new Error('paged-0 is not there')
    await api.client.delete(CONFIG_MAPS, named('paged-0'), preconditionsOf(doomed))
    await api.server.compact()
    compacted.resolve(undefined)
    await followed.store.synced
    await followed.converged(api.client)
    expect([...followed.store.entries()]).to.have.length(599)
    expect(lists()).to.equal(4)
  })
})
