import { readConfig } from '../../../agent/config.ts'
import { startControllers } from '../../../agent/controllers.ts'
import { readIdentity } from '../../../agent/identity.ts'
import type { PersistentVolume } from '../../../agent/persistent-volume.ts'
import { startStores } from '../../../agent/stores.ts'
import { silentLogger } from '../../../core/logger.ts'
import { TOPOLOGY_KEY, volumeNameForClaim } from '../../../core/naming.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { SELECTED_NODE, type PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import type { StorageClass } from '../../../kube/class-view.ts'
import { createKubeClient } from '../../../kube/client.ts'
import {
  NODE_LOCAL_STORAGES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  STORAGE_CLASSES,
} from '../../../kube/resources.ts'
import { storesSynced } from '../../../kube/store-set.ts'
import type { EventRequest, KubeObject } from '../../../kube/types.ts'
import type { NodeVolumes } from '../../../lvm/types.ts'
import { startControllers as startSchedulerControllers } from '../../../scheduler/controllers.ts'
import { startReckoning } from '../../../scheduler/reckoning.ts'
import { startStores as startSchedulerStores } from '../../../scheduler/stores.ts'
import { eventually } from '../../support/eventually.ts'
import { OURS, useInstalled, type Installed } from '../daemonset/installed.ts'
import { NAMESPACE } from '../daemonset/objects.ts'
import { preconditionsOf } from './fixture.ts'
import { GROUP, VolumesInMemory } from './memory-volumes.ts'

const CONTROLLERS = [
  'persistentvolume-binder-controller',
  'persistentvolumeclaim-protection-controller',
  'persistentvolume-protection-controller',
]

interface Running {
  stop(): Promise<void>
}

/**
 * One node: its agent and the scheduler process run in the test, each with its own token, against a real API server with
 * Loam's rights and policies, and with the controllers of Kubernetes that bind and protect volumes. LVM is in memory; users
 * and kube-scheduler are played.
 */
export class OneNode {
  readonly #installed: Installed
  volumes = new VolumesInMemory()
  events: EventRequest[] = []
  #running: Running[] = []

  constructor(installed: Installed) {
    this.#installed = installed
  }

  get client() {
    return this.#installed.api.client
  }

  get #recorder() {
    return { record: (event: EventRequest) => void this.events.push(event), flush: () => Promise.resolve() }
  }

  /** Volumes without owner have no grace. Gives the cluster's id. */
  async startAgent(more: Readonly<Record<string, string>> = {}): Promise<string> {
    const { transport } = this.#installed
    const client = createKubeClient(transport)
    const config = readConfig({
      ...{ NODE_NAME: OURS, POD_NAMESPACE: NAMESPACE, POD_NAME: 'agent', POD_UID: 'u' },
      ...{ LOAM_ORPHAN_GRACE_SECONDS: '0', ...more },
    })
    const identity = await readIdentity(client, config)
    const ended = new AbortController()
    const stores = startStores(transport, OURS, silentLogger, ended.signal)
    await storesSynced(stores)
    const ports = {
      ...{
        client,
        volumes: this.volumes as unknown as NodeVolumes,
        events: this.#recorder,
        log: silentLogger,
      },
      ...{ lease: { isHeld: () => true } },
      ownNode: {
        problem: () => undefined,
        tried: () => Promise.resolve(),
        look: () => Promise.resolve(false),
      },
    }
    const controllers = startControllers(ports, identity, stores, config)
    this.#running.push({
      stop: async () => {
        await controllers.stop()
        ended.abort()
      },
    })
    return identity.clusterId
  }

  async startScheduler(): Promise<void> {
    const { scheduler: transport } = this.#installed
    const ended = new AbortController()
    const stores = startSchedulerStores(transport, 'loam-system', silentLogger, ended.signal)
    await storesSynced(stores)
    const controllers = startSchedulerControllers({
      ...{ client: createKubeClient(transport), events: this.#recorder, log: silentLogger },
      ...{ lease: { isHeld: () => true, heldForMs: () => 0 }, namespace: 'loam-system', stores },
      reckoning: startReckoning(stores),
    })
    this.#running.push({
      stop: async () => {
        await controllers.stop()
        ended.abort()
      },
    })
  }

  /** Ends all that runs here, as a crash does; volumes and events stay. */
  async stop(): Promise<void> {
    for (const each of this.#running.splice(0)) await each.stop()
  }

  async makeClass(name: string, more: Partial<StorageClass> & { allowVolumeExpansion?: boolean } = {}) {
    const disks = JSON.stringify([{ nodes: [OURS], disks: ['/dev/disk/by-id/a'] }])
    await this.client.create<StorageClass>(STORAGE_CLASSES, {
      ...{ metadata: { name }, provisioner: 'loam.storage', volumeBindingMode: 'WaitForFirstConsumer' },
      ...{ parameters: { volumeGroup: GROUP.name, disks }, ...more },
    })
  }

  /** As a user and kube-scheduler make it; without `node` as a user does. Gives its UID. */
  async makeClaim(
    name: string,
    storageClassName: string,
    { node = OURS, spec = {} }: { node?: string | undefined; spec?: object } = {},
  ): Promise<string> {
    const annotations = node === '' ? {} : { [SELECTED_NODE]: node }
    const made = await this.client.create<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, {
      metadata: { namespace: 'default', name, annotations },
      spec: {
        ...{ storageClassName, accessModes: ['ReadWriteOnce'] },
        resources: { requests: { storage: '8Mi' } },
        ...spec,
      },
    })
    return made.metadata.uid ?? ''
  }

  claim(name: string): Promise<PersistentVolumeClaim | undefined> {
    return this.client.get<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, { namespace: 'default', name })
  }

  persistentVolume(name: string): Promise<PersistentVolume | undefined> {
    return this.client.get<PersistentVolume>(PERSISTENT_VOLUMES, { name })
  }

  async patchVolume(name: string, patch: unknown): Promise<void> {
    await this.client.patch(PERSISTENT_VOLUMES, { name }, patch, { type: 'merge' })
  }

  async patchClaim(name: string, patch: unknown): Promise<void> {
    const at = { namespace: 'default', name }
    await this.client.patch(PERSISTENT_VOLUME_CLAIMS, at, patch, { type: 'merge' })
  }

  async deleteClaim(name: string): Promise<void> {
    const found = await this.claim(name)
    if (found === undefined) throw new Error(`no claim ${name}`)
    await this.client.delete(PERSISTENT_VOLUME_CLAIMS, { namespace: 'default', name }, preconditionsOf(found))
  }

  async deleteVolume(name: string): Promise<void> {
    const found = await this.persistentVolume(name)
    if (found === undefined) throw new Error(`no PersistentVolume ${name}`)
    await this.client.delete(PERSISTENT_VOLUMES, { name }, preconditionsOf(found))
  }

  /** A claim that is bound to a volume with data. Gives the name of both volumes, which is the same. */
  async usedVolume(claim: string, storageClassName: string): Promise<string> {
    const name = volumeNameForClaim(await this.makeClaim(claim, storageClassName))
    await this.bound(claim)
    this.volumes.use(name)
    return name
  }

  bound(claim: string): Promise<string> {
    return eventually(`claim ${claim} is bound`, async () => {
      const found = await this.claim(claim)
      return found?.status?.phase === 'Bound' && found.spec.volumeName
    })
  }

  phase(name: string, phase: string): Promise<unknown> {
    return eventually(
      `PersistentVolume ${name} is ${phase}`,
      async () => (await this.persistentVolume(name))?.status?.phase === phase,
    )
  }

  gone(name: string): Promise<unknown> {
    return eventually(
      `there is no PersistentVolume ${name}`,
      async () => (await this.persistentVolume(name)) === undefined,
    )
  }

  event(reason: string, name: string): Promise<EventRequest> {
    return eventually(`event ${reason} about ${name}`, () =>
      this.events.find((each) => each.reason === reason && each.regarding.name === name),
    )
  }

  async reports(): Promise<readonly NodeLocalStorage[]> {
    const reports: NodeLocalStorage[] = []
    await this.client.list<NodeLocalStorage & KubeObject>(NODE_LOCAL_STORAGES, {}, (each) => {
      reports.push(each)
    })
    return reports
  }

  /** What the reports of this node list as without PersistentVolume: a logical volume of that name. */
  unclaimed(volume: string): Promise<{ message: string; adopt?: string; remove?: string }> {
    return eventually(`${volume} is listed`, async () => {
      return (await this.reports())
        .flatMap(({ status }) => status?.unclaimedVolumes ?? [])
        .find(({ name }) => name === volume)
    })
  }

  /** As a person or a backup tool makes it: without label, finalizer and claim. */
  async makeByHand(
    name: string,
    volumeHandle: string,
    more: { spec?: object; metadata?: object; affinity?: unknown } = {},
  ): Promise<void> {
    const term = { matchExpressions: [{ key: TOPOLOGY_KEY, operator: 'In', values: [OURS] }] }
    await this.client.create<PersistentVolume>(PERSISTENT_VOLUMES, {
      metadata: { name, ...more.metadata },
      spec: {
        ...{ accessModes: ['ReadWriteOnce'], capacity: { storage: '8Mi' }, volumeMode: 'Filesystem' },
        csi: { driver: 'loam.storage', volumeHandle },
        nodeAffinity: more.affinity ?? { required: { nodeSelectorTerms: [term] } },
        ...{ persistentVolumeReclaimPolicy: 'Delete', storageClassName: 'by-hand', ...more.spec },
      },
    })
  }
}

/** One for the tests of a file; what ran in a test ends with it. */
export const useOneNode = (): OneNode => {
  const node = new OneNode(useInstalled(() => false, { controllers: CONTROLLERS, hasScheduler: true }))
  beforeEach(() => {
    node.volumes = new VolumesInMemory()
    node.events = []
  })
  afterEach(() => node.stop())
  return node
}
