import { expect } from 'chai'

import { silentLogger } from '../../../core/logger.ts'
import { agentLeaseName, nodeLocalStorageName, volumeNameForClaim } from '../../../core/naming.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { SELECTED_NODE, type PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import type { Lease } from '../../../kube/lease.ts'
import {
  CSI_STORAGE_CAPACITIES,
  LEASES,
  NODE_LOCAL_STORAGES,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
} from '../../../kube/resources.ts'
import { storesSynced } from '../../../kube/store-set.ts'
import type { EventRequest, KubeObject, ResourceType } from '../../../kube/types.ts'
import type { WorkQueue } from '../../../kube/work-queue.ts'
import { startJanitor } from '../../../scheduler/janitor.ts'
import { startStores } from '../../../scheduler/stores.ts'
import { eventually } from '../../support/eventually.ts'
import { reportOf } from '../../unit/scheduler/fixture.ts'
import { persistentVolume, storageCapacity } from '../daemonset/objects.ts'
import { installDefinition } from '../kube/definition.ts'
import { preconditionsOf, useApiServer } from '../kube/fixture.ts'

const NAMESPACE = 'default'
const CLASS = 'fast'
/** Longer than an agent may be silent: what it does not do while the janitor looks counts at once. */
const LONG_MS = 3_600_000

/** Nodes, Leases and claims are written here as kubelet, agents and kube-scheduler do: none of them runs. */
describe('what points at nodes where nobody acts, in a real API server', function () {
  this.timeout(120_000)
  const api = useApiServer()
  const made: { type: ResourceType; object: KubeObject }[] = []
  const events: EventRequest[] = []
  let heldForMs: number
  let queues: readonly WorkQueue[]
  let stopping: AbortController

  const make = async <T extends KubeObject>(type: ResourceType, object: T): Promise<T> => {
    const there = await api.client.create<T>(type, object)
    made.push({ type, object: there })
    return there
  }
  const makeNode = (name: string): Promise<KubeObject> => make(NODES, { metadata: { name } })
  const leaseOf = (nodeName: string) => ({ namespace: NAMESPACE, name: agentLeaseName(nodeName) })
  const makeLease = (nodeName: string): Promise<Lease> =>
    make<Lease>(LEASES, { metadata: leaseOf(nodeName), spec: { holderIdentity: 'agent' } })
  const renew = (nodeName: string): Promise<Lease> =>
    api.client.patch<Lease>(
      ...([LEASES, leaseOf(nodeName)] as const),
      { spec: { holderIdentity: 'agent again' } },
      { type: 'merge' },
    )
  const claimOn = (nodeName: string, name = `on-${nodeName}`): Promise<PersistentVolumeClaim> =>
    make<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, {
      metadata: {
        ...{ namespace: NAMESPACE, name },
        annotations: {
          'volume.kubernetes.io/storage-provisioner': 'loam.storage',
          [SELECTED_NODE]: nodeName,
        },
      },
      spec: {
        ...{ storageClassName: CLASS, accessModes: ['ReadWriteOnce'] },
        resources: { requests: { storage: '10Mi' } },
      },
    })
  const nodeOf = async (name: string): Promise<string | undefined> => {
    const at = { namespace: NAMESPACE, name }
    const claim = await api.client.get<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, at)
    return claim?.metadata.annotations?.[SELECTED_NODE]
  }
  const released = (name: string): Promise<unknown> =>
    eventually(`claim ${name} has no node`, async () => (await nodeOf(name)) === undefined)
  /** It comes a moment after the claim was changed. */
  const eventOn = (name: string): Promise<EventRequest> =>
    eventually(`an event on claim ${name}`, () => events.find(({ regarding }) => regarding.name === name))
  const reportName = (nodeName: string): string => nodeLocalStorageName(CLASS, nodeName)
  const makeReport = async (nodeName: string): Promise<void> => {
    const { spec, status } = reportOf(nodeName, '100Mi')
    const name = reportName(nodeName)
    await make<KubeObject>(NODE_LOCAL_STORAGES, { metadata: { name }, spec } as KubeObject)
    const other = {
      ...{ type: 'DisksUsable', status: 'True', reason: 'AllUsed', message: '' },
      lastTransitionTime: '2026-01-01T00:00:00Z',
    }
    await api.client.patch(
      ...([NODE_LOCAL_STORAGES, { name }] as const),
      { status: { ...status, conditions: [...(status?.conditions ?? []), other] } },
      { type: 'merge', subresource: 'status' },
    )
    const capacity = storageCapacity(nodeName, CLASS)
    await make(CSI_STORAGE_CAPACITIES, {
      ...capacity,
      metadata: { namespace: NAMESPACE, name },
    })
  }
  const readReport = (nodeName: string): Promise<NodeLocalStorage | undefined> =>
    api.client.get<NodeLocalStorage>(NODE_LOCAL_STORAGES, { name: reportName(nodeName) })
  const readyOf = async (nodeName: string) =>
    (await readReport(nodeName))?.status?.conditions?.find(({ type }) => type === 'Ready')
  const capacityOf = (nodeName: string): Promise<KubeObject | undefined> =>
    api.client.get(CSI_STORAGE_CAPACITIES, { namespace: NAMESPACE, name: reportName(nodeName) })

  const start = async (): Promise<void> => {
    const { client, transport } = api
    const stores = startStores(transport, NAMESPACE, silentLogger, stopping.signal)
    await storesSynced(stores)
    queues = startJanitor({
      ...{ client, log: silentLogger, namespace: NAMESPACE, stores },
      events: { record: (event) => void events.push(event), flush: () => Promise.resolve() },
      lease: { isHeld: () => true, heldForMs: () => heldForMs },
    })
  }

  before(() => installDefinition(api.client))
  beforeEach(() => {
    ;[heldForMs, queues, stopping] = [LONG_MS, [], new AbortController()]
    events.length = 0
  })
  afterEach(async () => {
    await Promise.all(queues.map((queue) => queue.stop()))
    stopping.abort()
    for (const { type, object } of made.splice(0).reverse()) {
      const { namespace, name = '' } = object.metadata
      const at = namespace === undefined ? { name } : { namespace, name }
      // nobody is here who would drop the finalizers that protect claims and PersistentVolumes
      await api.client
        .patch(type, at, { metadata: { finalizers: null } }, { type: 'merge' })
        .catch(() => undefined)
      await api.client.delete(type, at, preconditionsOf(object))
    }
  })

  it('is the node of a claim, taken off when the Node is not there, or goes', async () => {
    await claimOn('nowhere')
    const node = await makeNode('leaving')
    await makeLease('leaving')
    await start()
    await renew('leaving')
    await claimOn('leaving')
    await released('on-nowhere')
    expect(await nodeOf('on-leaving')).to.equal('leaving')
    await api.client.delete(NODES, { name: 'leaving' }, preconditionsOf(node))
    await released('on-leaving')
    const told = await eventOn('on-leaving')
    expect(told).to.include({ type: 'Warning', reason: 'NodeGone', action: 'ReleaseClaim' })
    expect(told.message).to.include('node "leaving" does not exist (any more)')
  })

  it('is the node of a claim, taken off when its agent is silent, and not when it renews its Lease', async () => {
    for (const name of ['silent', 'lively']) {
      await makeNode(name)
      await makeLease(name)
    }
    heldForMs = 0
    await start()
    await renew('lively')
    const claims = [await claimOn('lively'), await claimOn('silent')]
    heldForMs = LONG_MS
    // any change of a claim has it looked at
    for (const { metadata } of claims)
      await api.client.patch(
        ...([PERSISTENT_VOLUME_CLAIMS, { namespace: NAMESPACE, name: metadata.name ?? '' }] as const),
        { metadata: { labels: { touched: 'yes' } } },
        { type: 'merge' },
      )
    await released('on-silent')
    await eventOn('on-silent')
    expect(events.map(({ reason }) => reason)).to.deep.equal(['AgentSilent'])
    expect(await nodeOf('on-lively')).to.equal('lively')
  })

  it('is not the node of a claim for which there is a PersistentVolume', async () => {
    const claim = await claimOn('nowhere', 'has-one')
    const uid = claim.metadata.uid ?? ''
    const volume = await make(PERSISTENT_VOLUMES, persistentVolume('nowhere', uid) as KubeObject)
    expect(volume.metadata.name).to.equal(volumeNameForClaim(uid))
    await claimOn('nowhere', 'has-none')
    await start()
    await released('has-none')
    expect(await nodeOf('has-one')).to.equal('nowhere')
  })

  it('is a report, which says so, and capacity, which goes; the report stays, with all else in it', async () => {
    for (const name of ['silent', 'lively']) {
      await makeNode(name)
      await makeLease(name)
      await makeReport(name)
    }
    const before = await readReport('silent')
    heldForMs = 0
    await start()
    await renew('lively')
    heldForMs = LONG_MS
    for (const name of ['lively', 'silent'])
      await api.client.patch(
        ...([NODE_LOCAL_STORAGES, { name: reportName(name) }] as const),
        { metadata: { labels: { touched: 'yes' } } },
        { type: 'merge' },
      )
    await eventually('the report says so', async () => (await readyOf('silent'))?.status === 'Unknown')
    const ready = await readyOf('silent')
    expect(ready).to.include({ reason: 'AgentSilent' })
    expect(ready?.message).to.include('what is shown here is as it was then')
    expect(await capacityOf('silent')).to.equal(undefined)
    const { conditions = [], ...status } = (await readReport('silent'))?.status ?? {}
    const { conditions: conditionsBefore = [], ...statusBefore } = before?.status ?? {}
    expect(status).to.deep.equal(statusBefore)
    expect(conditions.filter(({ type }) => type !== 'Ready')).to.deep.equal(
      conditionsBefore.filter(({ type }) => type !== 'Ready'),
    )
    expect((await readyOf('lively'))?.status).to.equal('True')
    expect(await capacityOf('lively')).not.to.equal(undefined)
  })

  it('is the report of a Node that is gone: it is kept, and says what to do', async () => {
    await makeReport('nowhere')
    await start()
    await eventually('the report says so', async () => (await readyOf('nowhere'))?.reason === 'NodeGone')
    expect((await readyOf('nowhere'))?.message).to.include('delete it when the node will not come back')
    expect(await capacityOf('nowhere')).to.equal(undefined)
  })
})
