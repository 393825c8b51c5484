import { readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { parseAllDocuments } from 'yaml'
import type { ClaimTools } from '../../../agent/claim-tools.ts'
import type { PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import { ExpansionController } from '../../../agent/expansion-controller.ts'
import {
  PRE_RESIZE_CAPACITY,
  viewPersistentVolume,
  type PersistentVolume,
  type PersistentVolumeView,
} from '../../../agent/persistent-volume.ts'
import { messageOf } from '../../../core/errors.ts'
import { silentLogger } from '../../../core/logger.ts'
import { createKubeClient } from '../../../kube/client.ts'
import { kubeconfigConnection } from '../../../kube/kubeconfig-connection.ts'
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, STORAGE_CLASSES } from '../../../kube/resources.ts'
import { createTransport, type Transport } from '../../../kube/transport.ts'
import type { EventRequest, KubeClient, KubeObject, ObjectStore, ResourceType } from '../../../kube/types.ts'
import { NoSpace } from '../../../lvm/errors.ts'
import type { ExtendVolumeRequest, LogicalVolume } from '../../../lvm/types.ts'
import { classesForClaims } from '../../support/classes-for-claims.ts'
import { eventually, failureOf } from '../../support/eventually.ts'
import { NAMESPACE, persistentVolume } from '../daemonset/objects.ts'
import { useApiServer } from './fixture.ts'

const SELECTED_NODE = 'volume.kubernetes.io/selected-node'
const HANDLE = 'abcdef-0123-4567-89ab-cdef-0123-456789/ghijkl-0123-4567-89ab-cdef-0123-456789'
const MIB = 1n << 20n
const EXTENT_BYTES = 4n * MIB
/** More than this the group of the tests does not have. */
const MOST_BYTES = 64n * MIB

const typeOf = (kind: string, apiVersion: string): ResourceType => {
  const [version = '', group = ''] = apiVersion.split('/').reverse()
  const plural = kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : `${kind}s`
  const namespaced = ['ServiceAccount', 'Role', 'RoleBinding', 'Pod'].includes(kind)
  return { group, version, kind, plural: plural.toLowerCase(), namespaced }
}

/** The control plane and the policies are real; LVM and kubelet are played, so that each step can be looked at. */
describe('agent/expansion-controller, with the API server', function () {
  this.timeout(120_000)
  const api = useApiServer()
  let asAgent: Transport
  let agent: KubeClient
  let events: EventRequest[]
  let extended: ExtendVolumeRequest[]
  let uids = 0

  const makeAll = async (file: string): Promise<void> => {
    const text = await readFile(new URL(`../../../daemonset/${file}`, import.meta.url), 'utf8')
    for (const document of parseAllDocuments(text)) {
      const object = document.toJS() as KubeObject
      await api.client.create(typeOf(object.kind ?? '', object.apiVersion ?? ''), object)
    }
  }
  const tokenOf = async (podUid: string): Promise<string> => {
    const answer = await api.transport.json({
      ...{ method: 'POST', object: 'a token' },
      path: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/loam-agent/token`,
      body: {
        ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest' },
        spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'agent', uid: podUid } },
      },
    })
    return (answer as { status: { token: string } }).status.token
  }

  before(async () => {
    await makeAll('namespace.yaml')
    await makeAll('rbac.yaml')
    for (const name of ['persistent-volumes', 'persistent-volume-claims', 'persistent-volume-claims-status'])
      await makeAll(`own-node/${name}.yaml`)
    await api.client.create(typeOf('Node', 'v1'), { metadata: { name: 'node1' } })
    const pod = await api.client.create(typeOf('Pod', 'v1'), {
      metadata: { namespace: NAMESPACE, name: 'agent' },
      spec: {
        ...{ nodeName: 'node1', serviceAccountName: 'loam-agent' },
        containers: [{ name: 'agent', image: 'none' }],
      },
    } as KubeObject)
    const admin = await kubeconfigConnection(api.server.kubeconfig)
    const { ca } = (await admin.credentials()).tls
    const authorization = `Bearer ${await tokenOf(pod.metadata.uid ?? '')}`
    const credentials = () => Promise.resolve({ tls: { ca }, authorization })
    asAgent = createTransport({ connection: { server: admin.server, credentials, renew: () => undefined } })
    agent = createKubeClient(asAgent)
    await api.client.create(STORAGE_CLASSES, {
      ...{ metadata: { name: 'policy-test' }, provisioner: 'loam.storage', allowVolumeExpansion: true },
      volumeBindingMode: 'WaitForFirstConsumer',
    } as KubeObject)
  })
  after(() => asAgent.close())
  beforeEach(() => {
    events = []
    extended = []
  })

  const claimNamed = async (name: string): Promise<PersistentVolumeClaim> => {
    const found = await api.client.get<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, {
      ...{ namespace: 'default', name },
    })
    if (found === undefined) throw new Error(`no claim ${name}`)
    return found
  }
  const volumeNamed = async (name: string): Promise<PersistentVolume> => {
    const found = await api.client.get<PersistentVolume>(PERSISTENT_VOLUMES, { name })
    if (found === undefined) throw new Error(`no volume ${name}`)
    return found
  }
  const patchClaim = (name: string, patch: unknown, subresource?: 'status') =>
    api.client.patch(PERSISTENT_VOLUME_CLAIMS, { namespace: 'default', name }, patch, {
      ...{ type: 'merge', ...(subresource === undefined ? {} : { subresource }) },
    })

  /** A claim of 8 MiB that is bound, as the control plane leaves it. Gives the name of the PersistentVolume. */
  const bound = async (name: string, volumeMode = 'Filesystem', node?: string): Promise<string> => {
    uids += 1
    const volumeName = `pvc-${uids}`
    const made = await api.client.create(PERSISTENT_VOLUME_CLAIMS, {
      metadata: {
        namespace: 'default',
        name,
        annotations: node === undefined ? {} : { [SELECTED_NODE]: node },
      },
      spec: {
        ...{ accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '8Mi' } }, volumeMode },
        ...{ storageClassName: 'policy-test', volumeName },
      },
    } as KubeObject)
    const object = persistentVolume('node1', made.metadata.uid ?? '')
    object.metadata.name = volumeName
    Object.assign(object.spec, { capacity: { storage: '8Mi' }, volumeMode })
    object.spec.csi.volumeHandle = HANDLE
    Object.assign(object.spec.claimRef, { name })
    await api.client.create(PERSISTENT_VOLUMES, object)
    const phase = { status: { phase: 'Bound' } }
    await api.client.patch(PERSISTENT_VOLUMES, { name: volumeName }, phase, {
      ...{ type: 'merge', subresource: 'status' },
    })
    await patchClaim(name, { status: { phase: 'Bound', capacity: { storage: '8Mi' } } }, 'status')
    return volumeName
  }
  const request = (name: string, storage: string) =>
    patchClaim(name, { spec: { resources: { requests: { storage } } } })

  const extendVolume = (wanted: ExtendVolumeRequest): Promise<LogicalVolume> => {
    extended.push(wanted)
    const sizeBytes = ((wanted.sizeBytes + EXTENT_BYTES - 1n) / EXTENT_BYTES) * EXTENT_BYTES
    if (sizeBytes > MOST_BYTES)
      throw new NoSpace('logical volume "g/v"', {
        ...{ layout: 'linear', requestedBytes: sizeBytes, largestBytes: MOST_BYTES, freeOnDisks: [] },
      })
    return Promise.resolve({ sizeBytes } as LogicalVolume)
  }
  /** A new one each time, as after a restart, unless it is to remember. */
  const controllerFor = async (volumeName: string): Promise<ExpansionController> => {
    const view = viewPersistentVolume(await volumeNamed(volumeName))
    const tools = {
      ports: {
        ...{ client: agent, log: silentLogger, volumes: { extendVolume } },
        events: { record: (event: EventRequest) => events.push(event) },
      },
      ...{ identity: { nodeName: 'node1' }, claims: { get: () => ({ wantsMore: true }) } },
      classes: classesForClaims({ find: () => undefined, group: undefined }),
    } as unknown as ClaimTools
    const volumes = { get: () => view } as unknown as ObjectStore<PersistentVolumeView>
    return new ExpansionController(tools, volumes)
  }
  const reconcile = async (volumeName: string) => (await controllerFor(volumeName)).reconcile(volumeName)

  it('makes a volume with a file system larger, and leaves the rest to kubelet', async () => {
    const volume = await bound('ext4', 'Filesystem', 'node1')
    await request('ext4', '17Mi')
    await reconcile(volume)
    const { status } = await claimNamed('ext4')
    expect(status).to.deep.include({
      ...{ phase: 'Bound', capacity: { storage: '8Mi' }, allocatedResources: { storage: '17Mi' } },
      allocatedResourceStatuses: { storage: 'NodeResizePending' },
    })
    expect(status?.conditions?.map(({ type }) => type)).to.deep.equal(['FileSystemResizePending'])
    const after = await volumeNamed(volume)
    expect(after.spec.capacity).to.deep.equal({ storage: '20Mi' })
    expect(after.metadata.annotations).to.include({ [PRE_RESIZE_CAPACITY]: '8Mi' })

    await reconcile(volume)
    expect(extended, 'kubelet has to go on').to.have.length(1)
    await patchClaim(
      'ext4',
      { status: { capacity: { storage: '20Mi' }, conditions: [], allocatedResourceStatuses: null } },
      'status',
    )
    await reconcile(volume)
    expect((await volumeNamed(volume)).metadata.annotations ?? {}).to.not.include.keys(PRE_RESIZE_CAPACITY)
    expect(events).to.deep.equal([])
  })

  it('makes a block volume larger, all of it, also for a claim that names no node', async () => {
    const volume = await bound('block', 'Block')
    await request('block', '16Mi')
    await reconcile(volume)
    const { status, metadata } = await claimNamed('block')
    expect(status).to.deep.include({ capacity: { storage: '16Mi' }, allocatedResources: { storage: '16Mi' } })
    expect(status?.allocatedResourceStatuses ?? {}).to.deep.equal({})
    expect(status?.conditions ?? []).to.deep.equal([])
    expect(metadata.annotations).to.include({ 'volume.kubernetes.io/node-expansion-not-required': 'true' })
    expect((await volumeNamed(volume)).metadata.annotations ?? {}).to.not.include.keys(PRE_RESIZE_CAPACITY)
    expect(events).to.have.length(1)
    expect(events[0]).to.include({ type: 'Normal', reason: 'VolumeResizeSuccessful' })
  })

  it('says that a full group cannot do it, with numbers, and serves a smaller request', async () => {
    const volume = await bound('full', 'Filesystem', 'node1')
    await request('full', '1Gi')
    const controller = await controllerFor(volume)
    expect(await controller.reconcile(volume)).to.include.keys('requeueAfterMs')
    const refused = (await claimNamed('full')).status
    expect(refused).to.deep.include({
      ...{ capacity: { storage: '8Mi' }, allocatedResources: { storage: '1Gi' } },
      allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' },
    })
    expect(refused?.conditions?.map(({ type }) => type)).to.deep.equal(['ControllerResizeError'])
    expect((await volumeNamed(volume)).spec.capacity).to.deep.equal({ storage: '8Mi' })
    expect(events[0]).to.include({ type: 'Warning', reason: 'VolumeResizeFailed' })
    expect(events[0]?.message).to.include('1 GiB wanted').and.include('at most 64 MiB fits')

    await controller.reconcile(volume)
    expect(extended, 'not tried again at once').to.have.length(1)
    await request('full', '32Mi')
    await controller.reconcile(volume)
    expect((await claimNamed('full')).status).to.deep.include({
      ...{ allocatedResources: { storage: '32Mi' } },
      allocatedResourceStatuses: { storage: 'NodeResizePending' },
    })
    expect((await volumeNamed(volume)).spec.capacity).to.deep.equal({ storage: '32Mi' })
  })

  it('goes on where an agent died between the PersistentVolume and the claim', async () => {
    const volume = await bound('died', 'Filesystem', 'node1')
    await request('died', '16Mi')
    const begun = {
      allocatedResources: { storage: '16Mi' },
      allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' },
    }
    await patchClaim('died', { status: begun }, 'status')
    await api.client.patch(
      PERSISTENT_VOLUMES,
      { name: volume },
      { spec: { capacity: { storage: '16Mi' } } },
      { type: 'merge' },
    )
    await reconcile(volume)
    expect((await claimNamed('died')).status?.allocatedResourceStatuses).to.deep.equal({
      storage: 'NodeResizePending',
    })
  })

  it("is refused by the policies for another node's claim, and for anything but an expansion", async () => {
    const volume = await bound('theirs', 'Filesystem', 'node2')
    await bound('ours', 'Filesystem', 'node1')
    /** What a write is refused with; empty when it is not. */
    const write = (patch: unknown, name = 'ours'): Promise<string> =>
      agent
        .patch(PERSISTENT_VOLUME_CLAIMS, { namespace: 'default', name }, patch, {
          ...{ type: 'merge', subresource: 'status' },
        })
        .then(() => '', messageOf)
    let tries = 0
    /** Another value each time: what changes nothing is refused by nobody. */
    const relabel = () => write({ metadata: { labels: { tries: `${(tries += 1)}` } } })
    await eventually('the policies are in force', async () => (await relabel()) !== '')
    await request('theirs', '16Mi')
    const refused = await failureOf(reconcile(volume), Error)
    expect(refused.message).to.include('the node node1 is selected')
    expect(await write({ status: { phase: 'Lost' } })).to.include('neither its phase')
    expect(await write({ status: { capacity: { storage: '4Mi' } } })).to.include('only grows')
    expect(await write({ metadata: { annotations: { more: 'x' } } })).to.include('changes no annotation here')
    expect(await write({ metadata: { labels: { less: 'x' } } })).to.include('changes no label')
  })
})
