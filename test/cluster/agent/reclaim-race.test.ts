import { expect } from 'chai'
import { ReclaimController, type ReclaimTools } from '../../../agent/reclaim-controller.ts'
import {
  viewPersistentVolume,
  type PersistentVolume,
  type PersistentVolumeView,
} from '../../../agent/persistent-volume.ts'
import { VolumeReferences } from '../../../agent/volume-references.ts'
import { silentLogger } from '../../../core/logger.ts'
import { formatVolumeHandle } from '../../../core/naming.ts'
import { Conflict } from '../../../kube/errors.ts'
import { PERSISTENT_VOLUMES } from '../../../kube/resources.ts'
import type { KubeClient } from '../../../kube/types.ts'
import type { NodeVolumes } from '../../../lvm/types.ts'
import { failureOf } from '../../support/eventually.ts'
import { useApiServer } from '../kube/fixture.ts'
import { volumeOf } from '../kube/memory-volumes.ts'

const CLAIM_UID = '0f0e0d0c-0b0a-0908-0706-050403020100'
const NAME = `pvc-${CLAIM_UID}`
const found = volumeOf({
  ...{ name: NAME, sizeBytes: 64n << 20n, groupName: 'loam-fast' },
  record: {
    ...{
      state: 'used',
      clusterId: 'ours',
      claimUid: CLAIM_UID,
      claimNamespace: 'default',
      claimName: 'gone',
    },
    ...{ storageClassName: 'fast', erase: 'zero', content: 'ext4' },
  },
})
const HANDLE = formatVolumeHandle(found.handle)

/**
 * A person sets the policy to Retain in the very moment in which the agent acts on Delete. No cluster can be made to
 * do so on demand, so here the controller runs in the test, against a real API server, and the flip comes between its
 * read and its write. The logical volume is a witness that ends the test when anybody does more than look at it.
 */
describe('agent/reclaim-controller: the policy changes while the agent decides', function () {
  this.timeout(60_000)
  const api = useApiServer()
  let touched: string[] = []

  const witness = new Proxy({} as NodeVolumes, {
    get: (_, method) => () => {
      if (method === 'findVolume') return Promise.resolve(found)
      touched.push(String(method))
      return Promise.reject(new Error(`NodeVolumes.${String(method)} was called`))
    },
  })

  const read = async (): Promise<PersistentVolume | undefined> =>
    api.client.get<PersistentVolume>(PERSISTENT_VOLUMES, { name: NAME })
  const retain = async (): Promise<void> => {
    await api.client.patch(
      PERSISTENT_VOLUMES,
      { name: NAME },
      { spec: { persistentVolumeReclaimPolicy: 'Retain' } },
      { type: 'merge' },
    )
  }

  const controllerWith = (client: KubeClient, woken: PersistentVolumeView): ReclaimController => {
    const known: ReclaimTools['known'] = {
      get: () => woken,
      entries: () => new Map([[NAME, woken]]).entries(),
    }
    const events = { record: () => undefined, flush: () => Promise.resolve() }
    const ports = { client, volumes: witness, events, log: silentLogger }
    return new ReclaimController({
      ...{ ports, identity: { nodeName: 'node1', clusterId: 'ours', namespace: 'loam-system' } },
      ...{ known, classes: { groupChanged: () => undefined } },
      references: new VolumeReferences(client),
    })
  }

  const releasedVolume = async (): Promise<PersistentVolumeView> => {
    await api.client.create<PersistentVolume>(PERSISTENT_VOLUMES, {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: NAME, finalizers: ['loam.storage/logical-volume'] },
      spec: {
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '64Mi' },
        csi: { driver: 'loam.storage', volumeHandle: HANDLE },
        persistentVolumeReclaimPolicy: 'Delete',
        volumeMode: 'Filesystem',
      },
    })
    const status = { status: { phase: 'Released' } }
    const object = await api.client.patch<PersistentVolume>(PERSISTENT_VOLUMES, { name: NAME }, status, {
      type: 'merge',
      subresource: 'status',
    })
    return viewPersistentVolume(object)
  }

  beforeEach(() => {
    touched = []
  })
  afterEach(async () => {
    const left = await read()
    if (left === undefined) return
    await api.client.patch(
      PERSISTENT_VOLUMES,
      { name: NAME },
      { metadata: { finalizers: [] } },
      { type: 'merge' },
    )
    await api.client.delete(PERSISTENT_VOLUMES, { name: NAME }, { uid: left.metadata.uid ?? '' })
  })

  it('before the DELETE: the server refuses it, and the volume stays', async () => {
    const woken = await releasedVolume()
    const client: KubeClient = {
      ...api.client,
      delete: async (type, name, preconditions) => {
        await retain()
        return api.client.delete(type, name, preconditions)
      },
    }
    const controller = controllerWith(client, woken)
    await failureOf(controller.reconcile(NAME), Conflict)
    expect((await read())?.metadata.deletionTimestamp).to.equal(undefined)
    await controllerWith(api.client, woken).reconcile(NAME)
    expect((await read())?.metadata.deletionTimestamp).to.equal(undefined)
    expect(touched).to.deep.equal([])
  })

  it('after the DELETE, before the logical volume dies: it is kept, and the object is let go', async () => {
    const woken = await releasedVolume()
    await controllerWith(api.client, woken).reconcile(NAME)
    expect((await read())?.metadata.deletionTimestamp).to.be.a('string')
    await retain()
    await controllerWith(api.client, { ...woken, isBeingDeleted: true }).reconcile(NAME)
    expect(touched).to.deep.equal([])
    // What holds it now is the protection of a control plane that does not run here.
    expect((await read())?.metadata.finalizers).to.deep.equal(['kubernetes.io/pv-protection'])
  })

  it('while the logical volume is proven to be its own: it is decided anew, and kept', async () => {
    const woken = await releasedVolume()
    await controllerWith(api.client, woken).reconcile(NAME)
    const client: KubeClient = {
      ...api.client,
      list: async (type, options, each) => {
        await retain()
        return api.client.list(type, options, each)
      },
    }
    const controller = controllerWith(client, { ...woken, isBeingDeleted: true })
    await failureOf(controller.reconcile(NAME), Conflict)
    expect(touched).to.deep.equal([])
  })
})
