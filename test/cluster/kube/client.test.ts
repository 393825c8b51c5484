import { expect } from 'chai'
import { createKubeClient } from '../../../kube/client.ts'
import { AlreadyExists, Conflict, Invalid, NotFound, Rejected } from '../../../kube/errors.ts'
import { NODE_LOCAL_STORAGES, PERSISTENT_VOLUME_CLAIMS, STORAGE_CLASSES } from '../../../kube/resources.ts'
import type { Transport } from '../../../kube/transport.ts'
import type { KubeObject } from '../../../kube/types.ts'
import { failureOf } from '../../support/eventually.ts'
import {
  CONFIG_MAPS,
  configMap,
  createMany,
  named,
  preconditionsOf,
  useApiServer,
  type ConfigMap,
} from './fixture.ts'

interface Claim extends KubeObject {
  readonly status?: { readonly phase?: string; readonly capacity?: Record<string, string> }
}

describe('client against a real API server', function () {
  this.timeout(60_000)
  const api = useApiServer()

  const claim = (name: string): KubeObject & { spec: unknown } => ({
    metadata: { ...named(name), annotations: { 'volume.kubernetes.io/selected-node': 'node1' } },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  })

  /** The real transport, doing `between` after the first page of a list. */
  const interrupted = (between: () => Promise<void>) => {
    const pages: string[] = []
    const transport: Transport = {
      ...api.transport,
      json: async (request) => {
        const answer = await api.transport.json(request)
        pages.push(request.query?.continue ?? 'first')
        if (pages.length === 1) await between()
        return answer
      },
    }
    return { client: createKubeClient(transport), pages }
  }

  describe('lists', () => {
    before(() => createMany(api.client, 'listed', 1200))

    it('reads 1,200 objects in pages, each object once', async () => {
      const { client, pages } = interrupted(() => Promise.resolve())
      const seen: string[] = []
      const version = await client.list(CONFIG_MAPS, { namespace: 'default' }, (item) =>
        seen.push(item.metadata.name ?? ''),
      )
      expect(pages).to.have.length(3)
      expect(new Set(seen)).to.have.property('size', seen.length)
      expect(seen.filter((name) => name.startsWith('listed-'))).to.have.length(1200)
      expect(version).to.match(/^\d+$/)
    })

    it('goes on, each object once, when the server forgets the version between two pages', async () => {
      const { client, pages } = interrupted(async () => {
        await api.client.create(CONFIG_MAPS, configMap('zz-made-meanwhile'))
        await api.server.compact()
      })
      const seen: string[] = []
      await client.list(CONFIG_MAPS, { namespace: 'default' }, (item) => seen.push(item.metadata.name ?? ''))
      expect(pages, 'pages that were answered').to.have.length(3)
      expect(new Set(seen)).to.have.property('size', seen.length)
      expect(seen.filter((name) => name.startsWith('listed-'))).to.have.length(1200)
      expect(seen, 'the rest is as of now').to.include('zz-made-meanwhile')
    })

    it('selects by label and by field', async () => {
      const labelled = configMap('labelled')
      await api.client.create(CONFIG_MAPS, {
        ...labelled,
        metadata: { ...labelled.metadata, labels: { a: 'b' } },
      })
      const seen: string[] = []
      const note = (item: KubeObject) => seen.push(item.metadata.name ?? '')
      await api.client.list(CONFIG_MAPS, { labelSelector: 'a=b' }, note)
      await api.client.list(CONFIG_MAPS, { fieldSelector: 'metadata.name=listed-7' }, note)
      expect(seen).to.deep.equal(['labelled', 'listed-7'])
    })
  })

  it('tells an object that is not there from a kind that is not served', async () => {
    expect(await api.client.get(CONFIG_MAPS, named('absent'))).to.equal(undefined)
    const error = await failureOf(api.client.get(NODE_LOCAL_STORAGES, { name: 'absent' }), Rejected)
    expect(error.message).to.match(/^NodeLocalStorage "absent": the API server answered 404/)
  })

  it('creates once', async () => {
    const made = await api.client.create(CONFIG_MAPS, configMap('once', { a: '1' }))
    expect(made.metadata.uid).to.be.a('string')
    const error = await failureOf(api.client.create(CONFIG_MAPS, configMap('once')), AlreadyExists)
    expect(error.message).to.contain('ConfigMap "default/once"')
  })

  it('names the field when the server refuses an object', async () => {
    const error = await failureOf(
      api.client.create(STORAGE_CLASSES, {
        metadata: { name: 'bad' },
        provisioner: 'loam.storage',
        volumeBindingMode: 'Sometimes',
      } as KubeObject),
      Invalid,
    )
    expect(error.message).to.match(/^StorageClass "bad": the API server answered 422: .*volumeBindingMode/)
  })

  describe('deletes under preconditions', () => {
    it('refuses the uid of another object, and keeps the object', async () => {
      await api.client.create(CONFIG_MAPS, configMap('kept'))
      const uid = '00000000-0000-0000-0000-000000000000'
      await failureOf(api.client.delete(CONFIG_MAPS, named('kept'), { uid }), Conflict)
      expect(await api.client.get(CONFIG_MAPS, named('kept'))).to.not.equal(undefined)
    })

    it('refuses a version that is no longer the object’s', async () => {
      const made = await api.client.create(CONFIG_MAPS, configMap('changed'))
      await api.client.patch(CONFIG_MAPS, named('changed'), { data: { a: '2' } }, { type: 'merge' })
      const { resourceVersion = '' } = made.metadata
      const preconditions = { ...preconditionsOf(made), resourceVersion }
      await failureOf(api.client.delete(CONFIG_MAPS, named('changed'), preconditions), Conflict)
      expect(await api.client.get(CONFIG_MAPS, named('changed'))).to.not.equal(undefined)
    })

    it('deletes the object that was meant, and says when there was none', async () => {
      const made = await api.client.create(CONFIG_MAPS, configMap('doomed'))
      expect(await api.client.delete(CONFIG_MAPS, named('doomed'), preconditionsOf(made))).to.equal(true)
      expect(await api.client.get(CONFIG_MAPS, named('doomed'))).to.equal(undefined)
      expect(await api.client.delete(CONFIG_MAPS, named('doomed'), preconditionsOf(made))).to.equal(false)
    })
  })

  describe('patches', () => {
    it('removes an annotation only from the version that was read', async () => {
      const made = await api.client.create(PERSISTENT_VOLUME_CLAIMS, claim('rescheduled'))
      const clear = (resourceVersion = '') => ({
        metadata: { resourceVersion, annotations: { 'volume.kubernetes.io/selected-node': null } },
      })
      const name = named('rescheduled')
      const touch = { metadata: { labels: { touched: 'true' } } }
      const touched = await api.client.patch(PERSISTENT_VOLUME_CLAIMS, name, touch, { type: 'merge' })

      const stale = clear(made.metadata.resourceVersion)
      await failureOf(api.client.patch(PERSISTENT_VOLUME_CLAIMS, name, stale, { type: 'merge' }), Conflict)
      const fresh = clear(touched.metadata.resourceVersion)
      const cleared = await api.client.patch(PERSISTENT_VOLUME_CLAIMS, name, fresh, { type: 'merge' })
      expect(cleared.metadata.annotations ?? {}).to.not.have.property('volume.kubernetes.io/selected-node')
      expect(cleared.metadata.labels).to.deep.equal({ touched: 'true' })
    })

    it('runs a JSON patch only when its test holds', async () => {
      await api.client.create(CONFIG_MAPS, configMap('tested', { state: 'new' }))
      const patch = (from: string) => [
        { op: 'test', path: '/data/state', value: from },
        { op: 'replace', path: '/data/state', value: 'used' },
      ]
      const run = (from: string) =>
        api.client.patch<ConfigMap>(CONFIG_MAPS, named('tested'), patch(from), { type: 'json' })
      await failureOf(run('other'), Invalid)
      expect((await run('new')).data).to.deep.equal({ state: 'used' })
    })

    it('applies, and takes over a field that someone else set', async () => {
      await api.client.create(CONFIG_MAPS, configMap('applied', { ours: 'by hand', theirs: 'stays' }))
      const object = { apiVersion: 'v1', kind: 'ConfigMap', ...configMap('applied', { ours: 'by us' }) }
      const options = { type: 'apply', fieldManager: 'loam-agent' } as const
      const applied = await api.client.patch<ConfigMap>(CONFIG_MAPS, named('applied'), object, options)
      expect(applied.data).to.deep.equal({ ours: 'by us', theirs: 'stays' })
    })

    it('writes status apart from the rest', async () => {
      await api.client.create(PERSISTENT_VOLUME_CLAIMS, claim('with-status'))
      const patch = { status: { capacity: { storage: '2Gi' } }, metadata: { labels: { ignored: 'true' } } }
      const options = { type: 'merge', subresource: 'status' } as const
      const name = named('with-status')
      const patched = await api.client.patch<Claim>(PERSISTENT_VOLUME_CLAIMS, name, patch, options)
      expect(patched.status?.capacity).to.deep.equal({ storage: '2Gi' })
      const without = { status: { capacity: { storage: '3Gi' } } }
      await api.client.patch(PERSISTENT_VOLUME_CLAIMS, name, without, { type: 'merge' })
      const read = await api.client.get<Claim>(PERSISTENT_VOLUME_CLAIMS, name)
      expect(read?.status?.capacity, 'a patch of the object itself').to.deep.equal({ storage: '2Gi' })
    })

    it('fails for an object that is not there', async () => {
      const patch = api.client.patch(CONFIG_MAPS, named('absent'), { data: {} }, { type: 'merge' })
      await failureOf(patch, NotFound)
    })
  })
})
