import { Turns } from '../../../agent/turns.ts'
import { expect } from 'chai'
import { ClaimController } from '../../../agent/claim-controller.ts'
import { claimThatConcerns } from '../../../agent/claim-filter.ts'
import { type ClaimView, type PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import { viewClass } from '../../../kube/class-view.ts'
import { silentLogger } from '../../../core/logger.ts'
import { startReflector, type Reflector } from '../../../kube/reflector.ts'
import { NAMESPACES, PERSISTENT_VOLUMES, PERSISTENT_VOLUME_CLAIMS, PODS } from '../../../kube/resources.ts'
import type { EventRequest, KubeClient, KubeObject } from '../../../kube/types.ts'
import { NoSpace, OutcomeUnknown } from '../../../lvm/errors.ts'
import type { NodeVolumes } from '../../../lvm/types.ts'
import { classesForClaims } from '../../support/classes-for-claims.ts'
import { eventually } from '../../support/eventually.ts'
import { useApiServer } from './fixture.ts'
import { GROUP, VolumesInMemory } from './memory-volumes.ts'

const SELECTED_NODE = 'volume.kubernetes.io/selected-node'
describe('agent/claim-controller and a real API server: claims of one pod', function () {
  this.timeout(60_000)
  const api = useApiServer()
  let namespace = 0
  let end: AbortController
  let store: Reflector<ClaimView>
  let volumes: VolumesInMemory
  let controller: ClaimController
  let events: EventRequest[]
  /** What was asked of the API server and of the keeper, in order. */
  let calls: string[]
  /** Called before each patch; its rejection is the answer. */
  let onPatch: (name: string) => Promise<void>

  const current = (): string => `shop-${namespace}`
  const noSpace = (name: string): NoSpace =>
    new NoSpace(name, { layout: 'linear', requestedBytes: 8n, largestBytes: 4n, freeOnDisks: [] })

  /** The real client, with a record of what is asked. */
  const recorded = (client: KubeClient): KubeClient => ({
    get: (type, name) => client.get(type, name),
    list: (type, options, each) => {
      calls.push(`list ${type.plural}`)
      return client.list(type, options, each)
    },
    create: (type, object) => {
      calls.push(`create ${type.plural}`)
      return client.create(type, object)
    },
    patch: async (type, name, patch, options) => {
      await onPatch(name.name)
      calls.push(`patch ${name.name}`)
      return client.patch(type, name, patch, options)
    },
    delete: (type, name, preconditions) => client.delete(type, name, preconditions),
  })

  /** A claim as kube-scheduler and the PersistentVolume controller leave it, or before they came to it. */
  const createClaim = async (name: string, isSelected = true, storageClassName = 'fast'): Promise<void> => {
    const annotations = {
      [SELECTED_NODE]: 'node1',
      'volume.kubernetes.io/storage-provisioner': 'loam.storage',
    }
    await api.client.create<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, {
      metadata: { namespace: current(), name, ...(isSelected ? { annotations } : {}) },
      spec: {
        storageClassName,
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '8Mi' } },
      },
    })
  }
  const select = (name: string): Promise<KubeObject> =>
    api.client.patch(
      PERSISTENT_VOLUME_CLAIMS,
      { namespace: current(), name },
      {
        metadata: {
          annotations: {
            [SELECTED_NODE]: 'node1',
            'volume.kubernetes.io/storage-provisioner': 'loam.storage',
          },
        },
      },
      { type: 'merge' },
    )
  const createPod = (name: string, claims: readonly string[]): Promise<KubeObject> =>
    api.client.create(PODS, {
      metadata: { namespace: current(), name },
      spec: {
        containers: [{ name: 'main', image: 'none' }],
        volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
      },
    } as KubeObject)
  const reconcile = (name: string) => controller.reconcile(`${current()}/${name}`)
  const selectedOnes = async (): Promise<string[]> => {
    const names: string[] = []
    await api.client.list<PersistentVolumeClaim>(
      PERSISTENT_VOLUME_CLAIMS,
      { namespace: current() },
      ({ metadata }) => {
        if (metadata.annotations?.[SELECTED_NODE] !== undefined) names.push(metadata.name ?? '')
      },
    )
    return names.sort()
  }
  const answered = async (): Promise<string[]> => {
    const names: string[] = []
    await api.client.list<KubeObject & { spec: { claimRef?: { namespace?: string; name?: string } } }>(
      PERSISTENT_VOLUMES,
      {},
      ({ spec }) => {
        if (spec.claimRef?.namespace === current()) names.push(spec.claimRef.name ?? '')
      },
    )
    return names.sort()
  }
  const known = (count: number, selected = count): Promise<unknown> =>
    eventually(`${count} claims to be known, ${selected} of them selected`, () => {
      const here = [...store.entries()].filter(([, claim]) => claim.namespace === current())
      const chosen = here.filter(([, claim]) => claim.selectedNode === 'node1' && claim.isAskedOfUs)
      return Promise.resolve(here.length === count && chosen.length === selected)
    })

  beforeEach(async () => {
    namespace += 1
    calls = []
    events = []
    onPatch = () => Promise.resolve()
    await api.client.create(NAMESPACES, { metadata: { name: current() } })
    await eventually('the service account that pods need', () =>
      api.client.create(
        { group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true },
        { metadata: { namespace: current(), name: 'default' } },
      ),
    )
    end = new AbortController()
    store = startReflector({
      ...{ transport: api.transport, log: silentLogger, signal: end.signal },
      type: PERSISTENT_VOLUME_CLAIMS,
      project: claimThatConcerns,
    })
    await store.synced
    volumes = new VolumesInMemory()
    const classOf = (name: string) =>
      viewClass({
        ...{ metadata: { name }, provisioner: 'loam.storage', parameters: { volumeGroup: GROUP.name } },
        volumeBindingMode: name === 'at-once' ? 'Immediate' : 'WaitForFirstConsumer',
      })
    controller = new ClaimController(
      {
        ports: {
          ...{ client: recorded(api.client), volumes: volumes as unknown as NodeVolumes, log: silentLogger },
          events: { record: (event) => events.push(event), flush: () => Promise.resolve() },
        },
        identity: { nodeName: 'node1', clusterId: 'c', namespace: 'loam-system' },
        claims: store,
        classes: classesForClaims({
          ...{ find: classOf, group: GROUP },
          onPublish: () => calls.push('publish capacity'),
        }),
        lease: { isHeld: () => true },
      },
      new Turns(),
    )
  })
  afterEach(() => end.abort())

  it('asks for no pods and makes one write for a claim that is alone in its namespace', async () => {
    await createClaim('only')
    await createPod('p', ['only'])
    await known(1)
    expect(await reconcile('only')).to.equal(undefined)
    expect(calls).to.deep.equal(['create persistentvolumes'])
    expect(await answered()).to.deep.equal(['only'])
  })

  it('serves a claim alone when no unscheduled pod uses it, after one list', async () => {
    await createClaim('only')
    await createClaim('other', false)
    await createPod('p', ['other'])
    await known(2, 1)
    expect(await reconcile('only')).to.equal(undefined)
    expect(calls).to.deep.equal(['list pods', 'create persistentvolumes'])
  })

  it('makes all volumes before the first PersistentVolume, whichever claim comes first, and once', async () => {
    for (const name of ['a', 'b', 'c']) await createClaim(name)
    await createPod('p', ['a', 'b', 'c'])
    await known(3)
    const answeredBefore: string[][] = []
    volumes.onCreate = async () => {
      answeredBefore.push(await answered())
    }
    await Promise.all(['b', 'c', 'a'].map(reconcile))
    expect(answeredBefore).to.deep.equal([[], [], []])
    expect(await answered()).to.deep.equal(['a', 'b', 'c'])
    expect(calls.filter((call) => call === 'create persistentvolumes')).to.have.length(3)
  })

  it('makes nothing while the scheduler has not written all of them, and serves all when it has', async () => {
    await createClaim('a')
    await createClaim('b', false)
    await createPod('p', ['a', 'b'])
    await known(2, 1)
    expect(await reconcile('a'))
      .to.have.property('requeueAfterMs')
      .below(1000)
    expect([...volumes.made.keys()]).to.deep.equal([])
    await select('b')
    await known(2)
    expect(await reconcile('b')).to.equal(undefined)
    expect(await answered()).to.deep.equal(['a', 'b'])
    expect(await reconcile('a')).to.equal(undefined)
    expect(volumes.made.size).to.equal(2)
  })

  it('undoes what was made before the one that does not fit, tells capacity, and only then lets all go', async () => {
    for (const name of ['a', 'b', 'c']) await createClaim(name)
    await createPod('p', ['a', 'b', 'c'])
    await known(3)
    volumes.onCreate = () =>
      volumes.made.size === 2 ? Promise.reject(noSpace('the third')) : Promise.resolve()
    onPatch = () => {
      expect(volumes.made.size).to.equal(0)
      return Promise.resolve()
    }
    expect(await reconcile('a')).to.equal(undefined)
    expect(calls.slice(0, 2)).to.deep.equal(['list pods', 'publish capacity'])
    expect(calls.slice(2).sort()).to.deep.equal(['patch a', 'patch b', 'patch c'])
    expect(await selectedOnes()).to.deep.equal([])
    expect(await answered()).to.deep.equal([])
    expect(events.map(({ reason, regarding }) => `${reason} ${regarding.name}`).sort()).to.deep.equal([
      'NoSpace a',
      'NoSpace b',
      'NoSpace c',
    ])
    expect(events[0]?.message).to.include('for all claims of pod "p" together ("a" 8Mi, "b" 8Mi, "c" 8Mi)')
  })

  it('undoes nothing while it is unknown what was made, and goes on where it was', async () => {
    for (const name of ['a', 'b']) await createClaim(name)
    await createPod('p', ['a', 'b'])
    await known(2)
    volumes.onCreate = () =>
      volumes.made.size === 1
        ? Promise.reject(new OutcomeUnknown('the second', 'no answer'))
        : Promise.resolve()
    const thrown = await reconcile('a').catch((error: unknown) => error)
    expect(thrown).to.be.instanceOf(OutcomeUnknown)
    expect(volumes.made.size).to.equal(1)
    expect(await selectedOnes()).to.deep.equal(['a', 'b'])
    expect(await answered()).to.deep.equal([])
    volumes.onCreate = () => Promise.resolve()
    expect(await reconcile('a')).to.equal(undefined)
    expect(await answered()).to.deep.equal(['a', 'b'])
  })

  it('lets the others go when one cannot be let go now, and that one when it is tried again', async () => {
    for (const name of ['a', 'b']) await createClaim(name)
    await createPod('p', ['a', 'b'])
    await known(2)
    volumes.onCreate = () => Promise.reject(noSpace('each'))
    onPatch = (name) => (name === 'a' ? Promise.reject(new Error('no answer')) : Promise.resolve())
    const thrown = await reconcile('a').catch((error: unknown) => (error as Error).message)
    expect(thrown).to.equal('no answer')
    expect(await selectedOnes()).to.deep.equal(['a'])
    await known(2, 1)
    onPatch = () => Promise.resolve()
    expect(await reconcile('a'))
      .to.have.property('requeueAfterMs')
      .below(1000)
    expect(volumes.made.size).to.equal(0)
    // the scheduler chooses this node again: all are decided about together, and none spins
    await select('b')
    await known(2)
    expect(await reconcile('b')).to.equal(undefined)
    expect(await selectedOnes()).to.deep.equal([])
    for (const name of ['a', 'b']) await select(name)
    await known(2)
    expect(await reconcile('a'))
      .to.have.property('requeueAfterMs')
      .above(0)
    expect(await selectedOnes()).to.deep.equal(['a', 'b'])
  })

  it('makes no volume for a pod one of whose claims can be served nowhere, and keeps their node', async () => {
    await createClaim('a')
    await api.client.create<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, {
      metadata: {
        ...{ namespace: current(), name: 'b' },
        annotations: {
          [SELECTED_NODE]: 'node1',
          'volume.kubernetes.io/storage-provisioner': 'loam.storage',
        },
      },
      spec: {
        ...{ storageClassName: 'fast', accessModes: ['ReadWriteMany'] },
        resources: { requests: { storage: '8Mi' } },
      },
    })
    await createPod('p', ['a', 'b'])
    await known(2)
    for (const name of ['a', 'b']) expect(await reconcile(name)).to.deep.equal({ requeueAfterMs: 300_000 })
    expect(events.map(({ reason, regarding }) => `${regarding.name} ${reason}`)).to.deep.equal([
      'a PodClaimRefused',
      'b AccessModeNotSupported',
    ])
    expect(volumes.made.size).to.equal(0)
    expect(await selectedOnes()).to.deep.equal(['a', 'b'])
  })

  it('serves a claim that binds at once without those of its pod, which may have another node', async () => {
    await createClaim('a', true, 'at-once')
    await createClaim('b', false, 'at-once')
    await createClaim('c', false)
    await createPod('mixed', ['a', 'b', 'c'])
    await known(3, 1)
    expect(await reconcile('a')).to.equal(undefined)
    expect(await answered()).to.deep.equal(['a'])
    await select('c')
    await known(3, 2)
    expect(await reconcile('c')).to.equal(undefined)
    expect(await answered()).to.deep.equal(['a', 'c'])
  })
})
