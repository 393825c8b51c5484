import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { silentLogger, type LogFields } from '../../../core/logger.ts'
import { createKubeClient } from '../../../kube/client.ts'
import { cacheCredentials } from '../../../kube/credentials-cache.ts'
import { AlreadyExists, Conflict, Rejected, TooManyRequests, Unavailable } from '../../../kube/errors.ts'
import { createTransport } from '../../../kube/transport.ts'
import { createWorkQueue } from '../../../kube/work-queue.ts'
import { eventually, failureOf } from '../../support/eventually.ts'
import { statusBody, type Fault, type ProxiedRequest } from './faulty-proxy.ts'
import {
  CONFIG_MAPS,
  configMap,
  named,
  preconditionsOf,
  startProxied,
  useApiServer,
  type ConfigMap,
  type ProxiedFixture,
} from './fixture.ts'
import { follow } from './followed.ts'

describe('writes through a faulty proxy', function () {
  this.timeout(60_000)
  const api = useApiServer()
  let line: ProxiedFixture

  beforeEach(async () => {
    line = await startProxied(api)
  })
  afterEach(() => line.stop())

  const isWrite = ({ method }: ProxiedRequest) => method !== 'GET'
  const writes = () => line.proxy.requests.filter(isWrite).length
  const onceOnWrite = (fault: Fault): void => {
    line.proxy.rule = (request) => {
      if (!isWrite(request)) return undefined
      line.proxy.rule = undefined
      return fault
    }
  }
  const read = async (name: string): Promise<ConfigMap> => {
    const object = await api.client.get<ConfigMap>(CONFIG_MAPS, named(name))
    if (object === undefined) throw new Error(`${name} is not there`)
    return object
  }
  const patchOf = (object: ConfigMap, value: string) => ({
    metadata: { resourceVersion: object.metadata.resourceVersion },
    data: { value },
  })
  const merge = { type: 'merge' } as const

  for (const kind of ['lose', 'truncate'] as const) {
    it(`creates once when the answer is ${kind === 'lose' ? 'lost' : 'cut'}: the next try finds it`, async () => {
      const name = `create-${kind}`
      onceOnWrite({ kind })
      const create = () => line.client.create(CONFIG_MAPS, configMap(name, { value: 'mine' }))
      await failureOf(create(), Unavailable)
      const made = await read(name)
      await failureOf(create(), AlreadyExists)
      expect(writes(), 'no write is repeated by the client itself').to.equal(2)
      expect((await line.client.get(CONFIG_MAPS, named(name)))?.metadata).to.deep.include({
        uid: made.metadata.uid,
        resourceVersion: made.metadata.resourceVersion,
      })
    })

    it(`patches once when the answer is ${kind === 'lose' ? 'lost' : 'cut'}: the old version is refused then`, async () => {
      const name = `patch-${kind}`
      const before = await api.client.create(CONFIG_MAPS, configMap(name, { value: 'old' }))
      onceOnWrite({ kind })
      const patch = () => line.client.patch(CONFIG_MAPS, named(name), patchOf(before, 'new'), merge)
      await failureOf(patch(), Unavailable)
      const after = await read(name)
      expect(after.data).to.deep.equal({ value: 'new' })
      await failureOf(patch(), Conflict)
      const decided = await line.client.patch(CONFIG_MAPS, named(name), patchOf(after, 'new'), merge)
      expect(decided.metadata.resourceVersion, 'decided again: nothing to change').to.equal(
        after.metadata.resourceVersion,
      )
    })

    it(`deletes once when the answer is ${kind === 'lose' ? 'lost' : 'cut'}: the next try finds nothing`, async () => {
      const name = `delete-${kind}`
      const made = await api.client.create(CONFIG_MAPS, configMap(name))
      onceOnWrite({ kind })
      const remove = () => line.client.delete(CONFIG_MAPS, named(name), preconditionsOf(made))
      await failureOf(remove(), Unavailable)
      expect(await remove()).to.equal(false)
      expect(writes()).to.equal(2)
    })
  }

  it('keeps what took the name of an object whose deletion was not answered', async () => {
    const first = await api.client.create(CONFIG_MAPS, configMap('reborn'))
    onceOnWrite({ kind: 'lose' })
    const { uid = '', resourceVersion = '' } = first.metadata
    const remove = () => line.client.delete(CONFIG_MAPS, named('reborn'), { uid, resourceVersion })
    await failureOf(remove(), Unavailable)
    const second = await api.client.create(CONFIG_MAPS, configMap('reborn'))
    await failureOf(remove(), Conflict)
    expect((await read('reborn')).metadata.uid).to.equal(second.metadata.uid)
  })

  it('does not take the 404 page of something in between for a deletion', async () => {
    const made = await api.client.create(CONFIG_MAPS, configMap('behind-404'))
    onceOnWrite({ kind: 'answer', status: 404, body: { error: 'no route' } })
    const remove = () => line.client.delete(CONFIG_MAPS, named('behind-404'), preconditionsOf(made))
    await failureOf(remove(), Rejected)
    expect(await remove()).to.equal(true)
  })

  it('changes nothing when a request never arrived, and does it at the next try', async () => {
    onceOnWrite({ kind: 'drop' })
    const create = () => line.client.create(CONFIG_MAPS, configMap('dropped'))
    await failureOf(create(), Unavailable)
    expect(await api.client.get(CONFIG_MAPS, named('dropped'))).to.equal(undefined)
    await create()
    await read('dropped')
  })

  it('has one effect when the server gets a write twice', async () => {
    onceOnWrite({ kind: 'twice' })
    await failureOf(line.client.create(CONFIG_MAPS, configMap('twice', { value: '1' })), AlreadyExists)
    const made = await read('twice')
    onceOnWrite({ kind: 'twice' })
    await failureOf(line.client.patch(CONFIG_MAPS, named('twice'), patchOf(made, '2'), merge), Conflict)
    expect((await read('twice')).data).to.deep.equal({ value: '2' })
    onceOnWrite({ kind: 'twice' })
    expect(await line.client.delete(CONFIG_MAPS, named('twice'), preconditionsOf(made))).to.equal(false)
  })

  it('leaves a conflict to its caller, after one request', async () => {
    const made = await api.client.create(CONFIG_MAPS, configMap('contested'))
    const held = Promise.withResolvers<undefined>()
    onceOnWrite({ kind: 'hold', until: held.promise })
    const late = failureOf(
      line.client.patch(CONFIG_MAPS, named('contested'), patchOf(made, 'late'), merge),
      Conflict,
    )
    await eventually('the write is on its way', () => writes() === 1)
    await api.client.patch(CONFIG_MAPS, named('contested'), patchOf(made, 'first'), merge)
    held.resolve(undefined)
    await late
    expect(writes()).to.equal(1)
    expect((await read('contested')).data).to.deep.equal({ value: 'first' })
  })

  it('is tried again by a work queue when a 429 says so, and not later', async () => {
    const body = statusBody(429, 'TooManyRequests', 'from the proxy')
    onceOnWrite({ kind: 'answer', status: 429, body, headers: { 'retry-after': '1' } })
    const warnings: LogFields[] = []
    const done = Promise.withResolvers<undefined>()
    const queue = createWorkQueue({
      name: 'test',
      concurrency: 1,
      log: { ...silentLogger, warn: (_message, fields = {}) => warnings.push(fields) },
      backoff: { firstMs: 1, maxMs: 10, leastShare: 0 },
      reconcile: async (name) => {
        await line.client.create(CONFIG_MAPS, configMap(name))
        done.resolve(undefined)
        return undefined
      },
    })
    queue.add('shed')
    await done.promise
    await queue.stop()
    expect(warnings.map(({ waitMs }) => waitMs)).to.deep.equal([1000])
    expect(writes()).to.equal(2)
  })

  it('says how long to wait, and sends nothing more, when load is shed', async () => {
    const body = {
      ...statusBody(429, 'TooManyRequests', 'from the proxy'),
      details: { retryAfterSeconds: 7 },
    }
    onceOnWrite({ kind: 'answer', status: 429, body })
    const error = await failureOf(line.client.create(CONFIG_MAPS, configMap('shed-once')), TooManyRequests)
    expect(error.retryAfterMs).to.equal(7000)
    expect(writes()).to.equal(1)
  })

  it('reads a replaced token again, in the middle of a watch and of a write', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'loam-token-'))
    const file = join(directory, 'token')
    await writeFile(file, await tokenOf('old'))
    const readToken = async () => ({ tls: {}, authorization: `Bearer ${await readFile(file, 'utf8')}` })
    const connection = { server: line.proxy.server, ...cacheCredentials('token', readToken, 3_600_000) }
    const transport = createTransport({ connection })
    const stopping = new AbortController()
    try {
      const followed = follow(transport, stopping.signal, 'token-')
      await eventually('a watch is open', () => followed.store.trouble === undefined)
      const expired = line.proxy.requests[0]?.authorization
      const body = statusBody(401, 'Unauthorized', 'Unauthorized')
      const refuse = (request: ProxiedRequest): Fault | undefined =>
        request.authorization === expired ? { kind: 'answer', status: 401, body } : undefined
      line.proxy.rule = refuse
      await writeFile(file, await tokenOf('new'))
      const first = await createKubeClient(transport).create(
        CONFIG_MAPS,
        configMap('token-a', { value: '1' }),
      )
      line.proxy.breakWatches()
      await api.client.delete(CONFIG_MAPS, named('token-a'), preconditionsOf(first))
      await createKubeClient(transport).create(CONFIG_MAPS, configMap('token-b', { value: '1' }))
      await followed.converged(api.client)
      expect(writes(), 'one refused, then one each').to.equal(3)
      expect(
        line.proxy.requests.filter((request) => refuse(request)),
        'and what the old token began',
      ).to.have.length(3)
    } finally {
      stopping.abort()
      transport.close()
      await rm(directory, { recursive: true })
    }
  })

  /** A real token of a service account that may do everything. */
  const tokenOf = async (name: string): Promise<string> => {
    const core = {
      group: '',
      version: 'v1',
      plural: 'serviceaccounts',
      kind: 'ServiceAccount',
      namespaced: true,
    }
    await api.client.create(core, { metadata: named(name) })
    const bindings = {
      group: 'rbac.authorization.k8s.io',
      version: 'v1',
      plural: 'clusterrolebindings',
      kind: 'ClusterRoleBinding',
      namespaced: false,
    }
    const binding = {
      metadata: { name },
      roleRef: { apiGroup: bindings.group, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', ...named(name) }],
    }
    await api.client.create(bindings, binding)
    const answer = await api.transport.json({
      method: 'POST',
      path: `/api/v1/namespaces/default/serviceaccounts/${name}/token`,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 600 },
      },
      object: 'token',
    })
    return (answer as { status: { token: string } }).status.token
  }
})
