import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { silentLogger } from '../../../core/logger.ts'
import { formatQuantity } from '../../../core/quantity.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { SELECTED_NODE, type PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import type { StorageClass } from '../../../kube/class-view.ts'
import { createEventRecorder } from '../../../kube/events.ts'
import { HeldLease } from '../../../kube/lease.ts'
import {
  EVENTS,
  NODE_LOCAL_STORAGES,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  STORAGE_CLASSES,
} from '../../../kube/resources.ts'
import { storesSynced } from '../../../kube/store-set.ts'
import type { KubeObject, ResourceType } from '../../../kube/types.ts'
import { startControllers, type Controllers } from '../../../scheduler/controllers.ts'
import type { Node } from '../../../scheduler/node-view.ts'
import { startReckoning } from '../../../scheduler/reckoning.ts'
import { startStores } from '../../../scheduler/stores.ts'
import { eventually } from '../../support/eventually.ts'
import { MIB, reportOf } from '../../unit/scheduler/fixture.ts'
import { installDefinition } from '../kube/definition.ts'
import { preconditionsOf, useApiServer } from '../kube/fixture.ts'

const NAMESPACE = 'default'
const CLASS = 'fast'
const PROVISIONER = 'volume.kubernetes.io/storage-provisioner'

/** One replica of the scheduler process, in this process. */
interface Replica {
  readonly lease: HeldLease
  stop(): Promise<void>
}

/** Claims, Nodes and reports are written here as users, kubelet and agents do: none of them runs. */
describe('claims that bind at once, in a real API server', function () {
  this.timeout(120_000)
  const api = useApiServer()
  const made: { type: ResourceType; object: KubeObject }[] = []
  const replicas: Replica[] = []

  const make = async <T extends KubeObject>(type: ResourceType, object: T): Promise<T> => {
    const there = await api.client.create<T>(type, object)
    made.push({ type, object: there })
    return there
  }
  const makeNode = async (name: string, labels: Record<string, string> = {}): Promise<void> => {
    const node = await make<Node>(NODES, { metadata: { name, labels } })
    const status = { conditions: [{ type: 'Ready', status: 'True' }] }
    await patchStatus(NODES, node, status)
  }
  const patchStatus = async (
    type: ResourceType,
    { metadata }: KubeObject,
    status: unknown,
  ): Promise<void> => {
    const patch = { status }
    await api.client.patch(type, { name: metadata.name ?? '' }, patch, {
      type: 'merge',
      subresource: 'status',
    })
  }
  const report = async (nodeName: string, roomBytes: bigint): Promise<void> => {
    const { status, ...object } = reportOf(nodeName, formatQuantity(roomBytes))
    const name = { name: object.metadata.name ?? '' }
    const there = await api.client.get<NodeLocalStorage & KubeObject>(NODE_LOCAL_STORAGES, name)
    await patchStatus(NODE_LOCAL_STORAGES, there ?? (await make(NODE_LOCAL_STORAGES, object)), status)
  }
  const makeClass = async (other: Partial<StorageClass> = {}): Promise<void> => {
    const parameters = { volumeGroup: 'loam-fast' }
    await make<StorageClass>(STORAGE_CLASSES, {
      ...{ metadata: { name: CLASS }, provisioner: 'loam.storage', parameters },
      volumeBindingMode: 'Immediate',
      ...other,
    })
  }
  const claim = async (name: string, storage = '10Mi'): Promise<void> => {
    await make<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, {
      metadata: { namespace: NAMESPACE, name, annotations: { [PROVISIONER]: 'loam.storage' } },
      spec: {
        ...{ storageClassName: CLASS, accessModes: ['ReadWriteOnce'] },
        resources: { requests: { storage } },
      },
    })
  }
  const selectedNode = async (name: string): Promise<string | undefined> => {
    const found = await api.client.get<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, {
      ...{ namespace: NAMESPACE, name },
    })
    return found?.metadata.annotations?.[SELECTED_NODE]
  }
  const nodeOf = (name: string): Promise<string> =>
    eventually(`claim ${name} has a node`, () => selectedNode(name))
  /** As the agent of the node does it. */
  const giveBack = async (name: string): Promise<void> => {
    const patch = { metadata: { annotations: { [SELECTED_NODE]: null } } }
    await api.client.patch(PERSISTENT_VOLUME_CLAIMS, { namespace: NAMESPACE, name }, patch, { type: 'merge' })
  }

  const startReplica = async (): Promise<Replica> => {
    const stopping = new AbortController()
    const { client, transport } = api
    const [log, name] = [silentLogger, { namespace: NAMESPACE, name: 'loam-scheduler' }]
    const stores = startStores(transport, NAMESPACE, log, stopping.signal)
    await storesSynced(stores)
    const holder = randomUUID()
    const lease = new HeldLease({ client, name, holder, log })
    await lease.renew()
    const reporter = { reportingController: 'loam.storage/scheduler', reportingInstance: holder } as const
    const events = createEventRecorder({ client, log, ...reporter })
    const controllers: Controllers = startControllers({
      ...{ client, events, log, lease, stores, namespace: NAMESPACE },
      reckoning: startReckoning(stores),
    })
    const replica = {
      lease,
      stop: async () => {
        await controllers.stop()
        await lease.release()
        await events.flush()
        stopping.abort()
      },
    }
    replicas.push(replica)
    return replica
  }

  before(() => installDefinition(api.client))
  afterEach(async () => {
    for (const replica of replicas.splice(0)) await replica.stop()
    for (const { type, object } of made.splice(0).reverse()) {
      const { namespace, name = '' } = object.metadata
      const at = namespace === undefined ? { name } : { namespace, name }
      // nobody is here who would drop the finalizer that protects a claim
      if (type === PERSISTENT_VOLUME_CLAIMS)
        await api.client
          .patch(type, at, { metadata: { finalizers: null } }, { type: 'merge' })
          .catch(() => undefined)
      await api.client.delete(type, at, preconditionsOf(object))
    }
  })

  it('get the roomiest node, one after another, and never more than a node has', async () => {
    await makeClass()
    for (const [name, room] of [
      ['node1', 50n],
      ['node2', 100n],
      ['node3', 150n],
    ] as const) {
      await makeNode(name)
      await report(name, room * MIB)
    }
    await startReplica()
    const names = Array.from({ length: 30 }, (_, at) => `burst-${at}`)
    await Promise.all(names.map((name) => claim(name)))
    const nodes = await Promise.all(names.map(nodeOf))
    const count = (node: string): number => nodes.filter((each) => each === node).length
    expect([count('node1'), count('node2'), count('node3')]).to.deep.equal([5, 10, 15])
  })

  it('that fit nowhere are told why for each node, and get theirs when there is room', async () => {
    await makeClass({ allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }] })
    await makeNode('node1', { zone: 'a' })
    await makeNode('node2', { zone: 'b' })
    await report('node1', 5n * MIB)
    await report('node2', 500n * MIB)
    await startReplica()
    await claim('large')
    const note = await eventually('an event says why', async () => {
      const notes: string[] = []
      await api.client.list<KubeObject & { reason?: string; note?: string }>(
        EVENTS,
        { namespace: NAMESPACE, fieldSelector: 'reason=NoNodeFits' },
        ({ note: text = '' }) => void notes.push(text),
      )
      return notes[0]
    })
    expect(note)
      .to.contain('no node can have 10Mi of StorageClass "fast"')
      .and.to.contain('node1 has 5 MiB')
      .and.to.contain("node2 is not among the class's allowedTopologies")
    expect(await selectedNode('large')).to.equal(undefined)
    await report('node1', 20n * MIB)
    expect(await nodeOf('large')).to.equal('node1')
  })

  it('go to another node when theirs gives them back', async () => {
    await makeClass()
    for (const name of ['node1', 'node2']) await makeNode(name)
    await report('node1', 200n * MIB)
    await report('node2', 100n * MIB)
    await startReplica()
    await claim('moved')
    expect(await nodeOf('moved')).to.equal('node1')
    await giveBack('moved')
    expect(await nodeOf('moved')).to.equal('node2')
  })

  it('are left alone when kube-scheduler is to choose their node', async () => {
    await makeClass({ volumeBindingMode: 'WaitForFirstConsumer' })
    await makeNode('node1')
    await report('node1', 200n * MIB)
    await startReplica()
    await claim('waits')
    await make<StorageClass>(STORAGE_CLASSES, {
      ...{ metadata: { name: 'at-once' }, provisioner: 'loam.storage' },
      ...{ volumeBindingMode: 'Immediate', parameters: { volumeGroup: 'loam-fast' } },
    })
    // one that came later is served, so the first was looked at
    const later = reportOf('node1', '100Mi')
    const { status, ...object } = { ...later, spec: { ...later.spec, storageClassName: 'at-once' } }
    const there = await make(NODE_LOCAL_STORAGES, { ...object, metadata: { name: 'at-once.node1' } })
    await patchStatus(NODE_LOCAL_STORAGES, there, status)
    await make<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, {
      metadata: { namespace: NAMESPACE, name: 'later', annotations: { [PROVISIONER]: 'loam.storage' } },
      spec: {
        ...{ storageClassName: 'at-once', accessModes: ['ReadWriteOnce'] },
        resources: { requests: { storage: '10Mi' } },
      },
    })
    expect(await nodeOf('later')).to.equal('node1')
    expect(await selectedNode('waits')).to.equal(undefined)
  })

  it('are served by one of two replicas, and by the other when that has gone', async () => {
    await makeClass()
    await makeNode('node1')
    await report('node1', 200n * MIB)
    const first = await startReplica()
    const second = await startReplica()
    expect([first.lease.isHeld(), second.lease.isHeld()]).to.deep.equal([true, false])
    await claim('one')
    expect(await nodeOf('one')).to.equal('node1')
    replicas.shift()
    await first.stop()
    await second.lease.renew()
    await claim('two')
    expect(await nodeOf('two')).to.equal('node1')
  })
})
