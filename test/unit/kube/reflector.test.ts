import { expect } from 'chai'
import { silentLogger, type LogFields, type Logger } from '../../../core/logger.ts'
import type { Backoff } from '../../../kube/backoff.ts'
import { startReflector, type Reflector } from '../../../kube/reflector.ts'
import { NODES } from '../../../kube/resources.ts'
import type { KubeObject } from '../../../kube/types.ts'
import { eventually } from '../../support/eventually.ts'
import { json, reset, startFaultServer, stream, text, type FaultServer } from './fault-server.ts'

const node = (name: string, resourceVersion: string, uid = `uid-${name}`): KubeObject => ({
  metadata: { name, uid, resourceVersion },
})
const list = (resourceVersion: string, ...items: KubeObject[]) =>
  json(200, { metadata: { resourceVersion }, items })
const event = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`
const isWatch = (url: URL) => url.searchParams.has('watch')
const versionOf = (url: URL) => url.searchParams.get('resourceVersion')

type Answer = ReturnType<typeof json>

describe('reflector', () => {
  let server: FaultServer
  let stopping: AbortController
  let warnings: LogFields[]

  afterEach(async () => {
    stopping.abort()
    server.stop()
    await Promise.resolve()
  })

  /** Lists node "a" at version 5; watches are answered in turn, the last answer again and again. */
  const start = async (
    watches: readonly Answer[],
    more: { silenceMs?: number; lists?: readonly Answer[]; backoff?: Backoff } = {},
  ): Promise<Reflector<string>> => {
    let watched = 0
    let listed = 0
    const lists = more.lists ?? [list('5', node('a', '5'))]
    server = await startFaultServer((url) => {
      const answers = isWatch(url) ? watches : lists
      const index = isWatch(url) ? watched++ : listed++
      return answers[Math.min(index, answers.length - 1)] ?? reset
    })
    stopping = new AbortController()
    warnings = []
    const log: Logger = { ...silentLogger, warn: (_message, fields = {}) => warnings.push(fields) }
    return startReflector<KubeObject, string>({
      transport: server.transport,
      type: NODES,
      project: ({ metadata }) => `${metadata.uid ?? ''}@${metadata.resourceVersion ?? ''}`,
      log,
      signal: stopping.signal,
      backoff: more.backoff ?? { firstMs: 1, maxMs: 20, leastShare: 0 },
      ...(more.silenceMs === undefined ? {} : { silenceMs: more.silenceMs }),
    })
  }
  const watchVersions = () => server.requests.filter(isWatch).map(versionOf)
  const lists = () => server.requests.filter((url) => !isWatch(url)).length
  const open = stream([], 'open')

  it('asks for bookmarks, from the version of its list', async () => {
    const store = await start([open])
    await store.synced
    await eventually('a watch', () => server.requests.some(isWatch))
    const query = Object.fromEntries(server.requests.find(isWatch)?.searchParams ?? [])
    expect(query).to.include({ watch: 'true', allowWatchBookmarks: 'true', resourceVersion: '5' })
    expect(Number(query.timeoutSeconds)).to.be.within(300, 600)
  })

  it('watches again after silence, from the same version and without a list', async () => {
    const store = await start([open, stream([event('ADDED', node('b', '6'))], 'open')], { silenceMs: 30 })
    await eventually('node b', () => store.get('b'))
    expect(watchVersions().slice(0, 2)).to.deep.equal(['5', '5'])
    expect(lists()).to.equal(1)
    expect(warnings, 'an idle cluster is silent too').to.deep.equal([])
  })

  it('goes on from a bookmark', async () => {
    const store = await start([stream([event('BOOKMARK', node('', '70'))], 'end'), open])
    await store.synced
    await eventually('two watches', () => watchVersions().length === 2)
    expect(watchVersions()).to.deep.equal(['5', '70'])
    expect(store.get('a')).to.equal('uid-a@5')
  })

  it('puts together an event and its characters from pieces', async () => {
    const bytes = Buffer.from(event('ADDED', { metadata: { name: 'größe', uid: 'u', resourceVersion: '6' } }))
    const cut = bytes.indexOf('ö') + 1
    const store = await start([stream([bytes.subarray(0, cut), bytes.subarray(cut)], 'open')])
    await eventually('the node', () => store.get('größe'))
  })

  it('asks again for an event that broke off half way', async () => {
    const half = event('ADDED', node('b', '6')).slice(0, 20)
    const store = await start([stream([half], 'reset'), stream([event('ADDED', node('b', '6'))], 'open')])
    await eventually('node b', () => store.get('b'))
    expect(lists()).to.equal(1)
    expect(watchVersions()).to.deep.equal(['5', '5'])
  })

  const LOST: Readonly<Record<string, string>> = {
    'half a line before a good one': `{"type":"ADD\n${event('ADDED', node('b', '6'))}`,
    'an event of an unknown type': event('SURPRISE', node('b', '6')),
    'an event without a version': event('ADDED', { metadata: { name: 'b' } }),
    'an event without an object': '{"type":"ADDED"}\n',
    'an event without metadata': event('ADDED', {}),
    'a line that is no object': 'null\n',
  }
  for (const [what, line] of Object.entries(LOST))
    it(`lists again after ${what}`, async () => {
      const store = await start([stream([line], 'open'), open], {
        lists: [list('5', node('a', '5')), list('9', node('b', '9'))],
      })
      await eventually('node b', () => store.get('b') === 'uid-b@9')
      expect(store.get('a')).to.equal(undefined)
      expect(warnings[0]).to.include({ listAgain: true })
    })

  it('lists again when an error event says that the version is gone', async () => {
    const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' }
    const store = await start([stream([event('ERROR', gone)], 'end'), open], {
      lists: [list('5', node('a', '5')), list('9', node('a', '8', 'another'))],
    })
    const changes: string[] = []
    await store.synced
    store.onChange((key, kept, before) => changes.push(`${key} ${before ?? '-'} ${kept ?? '-'}`))
    await eventually('the other node a', () => store.get('a') === 'another@8')
    expect(changes).to.deep.equal(['a uid-a@5 -', 'a - another@8'])
  })

  it('lists again after an error event of another kind: the next watch could end with it, too', async () => {
    const failed = { kind: 'Status', code: 500, message: 'etcd event received with PrevKv=nil' }
    const store = await start([stream([event('ERROR', failed)], 'end'), open])
    await store.synced
    await eventually('two watches', () => watchVersions().length === 2)
    expect(lists()).to.equal(2)
    expect(warnings[0]?.error).to.match(/the watch cannot go on from its version: .* PrevKv=nil/)
  })

  it('watches again, without a list, after an error event that asks to come back later', async () => {
    const busy = { kind: 'Status', code: 429, reason: 'TooManyRequests', message: 'later' }
    const store = await start([stream([event('ERROR', busy)], 'end'), open])
    await store.synced
    await eventually('two watches', () => watchVersions().length === 2)
    expect(lists()).to.equal(1)
  })

  it('begins a list anew when its next page is gone, and keeps nothing that is no longer there', async () => {
    const firstPage = json(200, {
      metadata: { resourceVersion: '5', continue: 'token' },
      items: [node('a', '5'), node('old', '4')],
    })
    const expired = json(410, { reason: 'Expired', message: 'expired', metadata: { continue: 'other' } })
    const store = await start([open], { lists: [firstPage, expired, list('9', node('a', '5'))] })
    await store.synced
    expect([...store.entries()]).to.deep.equal([['a', 'uid-a@5']])
    await eventually('a watch', () => server.requests.some(isWatch))
    expect(watchVersions()).to.deep.equal(['9'])
  })

  const REFUSALS: Readonly<Record<string, Answer>> = {
    'a reset': reset,
    'a 500': text(500, 'boom'),
    'a 503': json(503, { message: 'starting' }),
    'no JSON': text(200, '<html>'),
  }
  for (const [what, answer] of Object.entries(REFUSALS))
    it(`gets over ${what} for a list and for a watch`, async () => {
      const store = await start([answer, stream([event('ADDED', node('b', '6'))], 'open')], {
        lists: [answer, list('5', node('a', '5'))],
      })
      await eventually('node b', () => store.get('b'))
      expect(store.trouble).to.equal(undefined)
    })

  it('waits as long as the server asks', async () => {
    const shed = text(429, 'Too many requests', { 'retry-after': '1' })
    const store = await start([open], { lists: [shed, list('5', node('a', '5'))] })
    await store.synced
    const [first = 0, second = 0] = server.times
    expect(second - first).to.be.at.least(990)
  })

  it('waits long, and says why, when it may not read', async () => {
    const store = await start([open], { lists: [json(403, { message: 'nodes is forbidden' })] })
    await eventually('a warning', () => warnings.length > 0)
    expect(warnings[0]?.waitMs).to.be.within(15_000, 30_000)
    expect(store.trouble).to.contain('nodes is forbidden')
  })

  it('waits longer and longer while every watch ends at once', async () => {
    const store = await start([stream([], 'end')], { backoff: { firstMs: 10, maxMs: 40, leastShare: 1 } })
    await store.synced
    await eventually('five watches', () => watchVersions().length >= 5)
    const starts = server.times.slice(1, 6)
    const waits = starts.slice(1).map((time, index) => time - (starts[index] ?? 0))
    for (const [index, atLeastMs] of [10, 20, 40, 40].entries())
      expect(waits[index], `wait ${index}`).to.be.at.least(atLeastMs - 1)
    expect(lists()).to.equal(1)
  })

  it('survives listeners and projections that throw', async () => {
    const store = await start([
      stream([event('ADDED', node('b', '6')), event('ADDED', node('c', '7'))], 'open'),
    ])
    store.onChange((key) => {
      if (key === 'b') throw new Error('listener')
    })
    await eventually('node c', () => store.get('c'))
    expect(store.get('b')).to.equal('uid-b@6')
  })
})
