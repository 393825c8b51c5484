import type { IncomingMessage } from 'node:http'
import { expect } from 'chai'
import { silentLogger, type LogFields, type Logger } from '../../../core/logger.ts'
import { startReflector, type ReflectorOptions } from '../../../kube/reflector.ts'
import { STORAGE_CLASSES } from '../../../kube/resources.ts'
import type { Transport } from '../../../kube/transport.ts'
import { eventually, failureOf } from '../../support/eventually.ts'
import {
  CONFIG_MAPS,
  configMap,
  createMany,
  named,
  preconditionsOf,
  useApiServer,
  type ConfigMap,
} from './fixture.ts'

const QUICK = { firstMs: 20, maxMs: 200, leastShare: 0 }

/** Breaks the watches of the real transport, and holds back new ones until `release`. */
const interruptible = (transport: Transport) => {
  const open = new Set<IncomingMessage>()
  let gate = Promise.withResolvers<undefined>()
  gate.resolve(undefined)
  return {
    transport: {
      ...transport,
      stream: async (request) => {
        await gate.promise
        const response = await transport.stream(request)
        open.add(response)
        response.on('close', () => open.delete(response))
        return response
      },
    } satisfies Transport,
    interrupt: () => {
      gate = Promise.withResolvers()
      for (const response of open) response.destroy()
    },
    release: () => gate.resolve(undefined),
    openWatches: () => open.size,
  }
}

/** Keeps the messages of warnings, with their fields. */
const recordingLogger = () => {
  const lines: { readonly message: string; readonly fields: LogFields }[] = []
  const log: Logger = { ...silentLogger, warn: (message, fields = {}) => lines.push({ message, fields }) }
  return { log, lines }
}

describe('reflector against a real API server', function () {
  this.timeout(30_000)
  const api = useApiServer()
  let stopping: AbortController

  beforeEach(() => {
    stopping = new AbortController()
  })
  afterEach(() => stopping.abort())

  const reflect = (prefix: string, more: Partial<ReflectorOptions<ConfigMap, string>> = {}) => {
    const changes: string[] = []
    const store = startReflector<ConfigMap, string>({
      transport: api.transport,
      type: CONFIG_MAPS,
      options: { namespace: 'default' },
      project: ({ metadata, data }) => (metadata.name?.startsWith(prefix) ? (data?.value ?? '') : undefined),
      log: silentLogger,
      signal: stopping.signal,
      backoff: QUICK,
      ...more,
    })
    store.onChange((key, kept, before) => {
      changes.push(`${key.replace('default/', '')}: ${before ?? '-'} → ${kept ?? '-'}`)
    })
    return { store, changes, heard: (change: string) => eventually(change, () => changes.includes(change)) }
  }
  const create = (name: string, value: string) => api.client.create(CONFIG_MAPS, configMap(name, { value }))
  const change = (name: string, value: string) =>
    api.client.patch(CONFIG_MAPS, named(name), { data: { value } }, { type: 'merge' })
  const remove = (object: ConfigMap) =>
    api.client.delete(CONFIG_MAPS, named(object.metadata.name ?? ''), preconditionsOf(object))

  it('has what is there, then hears what comes, changes and goes', async () => {
    await create('life-a', '1')
    const { store, changes, heard } = reflect('life-')
    await store.synced
    expect(store.get('default/life-a')).to.equal('1')
    const second = await create('life-b', '1')
    await heard('life-b: - → 1')
    await change('life-b', '2')
    await heard('life-b: 1 → 2')
    await remove(second)
    await heard('life-b: 2 → -')
    expect([...store.entries()]).to.deep.equal([['default/life-a', '1']])
    expect(changes).to.deep.equal(['life-a: - → 1', 'life-b: - → 1', 'life-b: 1 → 2', 'life-b: 2 → -'])
    expect(store.trouble).to.equal(undefined)
  })

  it('keeps 1,200 objects that come in pages', async () => {
    await createMany(api.client, 'many', 1200)
    const { store } = reflect('many-')
    await store.synced
    expect([...store.entries()]).to.have.length(1200)
  })

  it('lets go of an object that its projection drops', async () => {
    await create('dropped', 'mine')
    const { store, heard } = reflect('dropped', {
      project: ({ metadata, data }) =>
        metadata.name === 'dropped' && data?.value === 'mine' ? data.value : undefined,
    })
    await store.synced
    await change('dropped', 'foreign')
    await heard('dropped: mine → -')
    await change('dropped', 'mine')
    await heard('dropped: - → mine')
  })

  it('hears an object that was made again under its name as gone and come', async () => {
    const first = await create('again', 'first')
    const { store, changes, heard } = reflect('again')
    await store.synced
    await remove(first)
    await create('again', 'second')
    await heard('again: - → second')
    expect(changes).to.deep.equal(['again: - → first', 'again: first → -', 'again: - → second'])
  })

  it('goes on from the last version after a broken watch, without a list', async () => {
    const line = interruptible(api.transport)
    let lists = 0
    const transport: Transport = {
      ...line.transport,
      json: (request) => {
        lists += 1
        return line.transport.json(request)
      },
    }
    const { store, changes, heard } = reflect('broken-', { transport })
    await store.synced
    await eventually('a watch is open', () => line.openWatches() === 1)
    const listsBefore = lists
    line.interrupt()
    const made = await create('broken-a', '1')
    await remove(made)
    await create('broken-b', '1')
    line.release()
    await heard('broken-b: - → 1')
    expect(changes).to.deep.equal(['broken-a: - → 1', 'broken-a: 1 → -', 'broken-b: - → 1'])
    expect(lists).to.equal(listsBefore)
  })

  it('lists again when the server has forgotten its version, and misses no deletion', async () => {
    const line = interruptible(api.transport)
    const gone = await create('forgotten-gone', '1')
    const again = await create('forgotten-again', 'first')
    await create('forgotten-same', '1')
    const { log, lines } = recordingLogger()
    const { store, changes, heard } = reflect('forgotten-', { transport: line.transport, log })
    await store.synced
    await eventually('a watch is open', () => line.openWatches() === 1)
    changes.length = 0
    line.interrupt()
    await remove(gone)
    await remove(again)
    await create('forgotten-again', 'second')
    await create('forgotten-new', '1')
    await api.server.compact()
    line.release()
    await heard('forgotten-gone: 1 → -')
    expect(changes).to.have.members([
      'forgotten-gone: 1 → -',
      'forgotten-again: first → -',
      'forgotten-again: - → second',
      'forgotten-new: - → 1',
    ])
    const relist = lines.find(({ fields }) => fields.listAgain === true)
    expect(relist?.fields.error).to.match(/watch of configmaps: the API server answered 410/)
  })

  it('lists again when the server has forgotten what its next event needs, and calls that an internal error', async () => {
    const line = interruptible(api.transport)
    await create('needed', 'before')
    const { log, lines } = recordingLogger()
    const { store } = reflect('needed', { transport: line.transport, log })
    await store.synced
    const isTold = () => lines.some(({ fields }) => /answered 500: .*PrevKv=nil/i.test(String(fields.error)))
    // Whatever else is written in between makes the version too old instead, which is another story.
    for (let round = 0; round < 50 && !isTold(); round += 1) {
      await eventually('a watch is open', () => line.openWatches() === 1)
      line.interrupt()
      const { metadata } = await change('needed', `after ${round}`)
      await api.server.compact(metadata.resourceVersion)
      line.release()
      await eventually(`round ${round}`, () => store.get('default/needed') === `after ${round}`)
    }
    expect(isTold(), 'the server called it an internal error').to.equal(true)
  })

  it('watches a kind that the server answers from its cache', async () => {
    const { store } = reflect('', {
      type: STORAGE_CLASSES,
      options: {},
      project: ({ metadata }) => metadata.name,
    })
    await store.synced
    await api.client.create(STORAGE_CLASSES, {
      metadata: { name: 'late' },
      provisioner: 'loam.storage',
    } as ConfigMap)
    await eventually('the class is heard of', () => store.get('late'))
  })

  it('stops at once, in a list as in a watch', async () => {
    const watching = reflect('stop-')
    await watching.store.synced
    await eventually('a watch is open', () => watching.store.trouble === undefined)
    const listing = reflect('stop-')
    const startedAt = performance.now()
    stopping.abort()
    await Promise.all([watching.store.stopped, listing.store.stopped])
    expect(performance.now() - startedAt).to.be.lessThan(500)
    await failureOf(listing.store.synced, Error)
    await create('stop-late', '1')
    expect(watching.store.get('default/stop-late')).to.equal(undefined)
  })
})
