import { Turns } from '../../../agent/turns.ts'
import { expect } from 'chai'
import { ClaimController } from '../../../agent/claim-controller.ts'
import { viewClaim, type ClaimView, type PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import { viewClass } from '../../../kube/class-view.ts'
import { LeaseNotHeld } from '../../../kube/lease.ts'
import { silentLogger } from '../../../core/logger.ts'
import type { KubeClient, KubeObject, ObjectStore } from '../../../kube/types.ts'
import type { NodeVolumes } from '../../../lvm/types.ts'
import { classesForClaims } from '../../support/classes-for-claims.ts'
import { failureOf } from '../../support/eventually.ts'

const claim: PersistentVolumeClaim = {
  metadata: {
    ...{ namespace: 'shop', name: 'cart', uid: 'u1', resourceVersion: '1' },
    annotations: {
      'volume.kubernetes.io/selected-node': 'node1',
      'volume.kubernetes.io/storage-provisioner': 'loam.storage',
    },
  },
  spec: {
    storageClassName: 'fast',
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '8Mi' } },
  },
}

/** That a Lease lapses in the moment between the volume and its PersistentVolume cannot be had from a real one. */
describe('agent/claim-controller', () => {
  it('makes no PersistentVolume while the Lease is not held, and makes it for the same volume when it is', async () => {
    const created: KubeObject[] = []
    let isHeld = false
    let volumesMade = 0
    const group = {
      ...{
        name: 'loam-fast',
        uuid: 'g',
        sizeBytes: 1n << 30n,
        freeBytes: 1n << 30n,
        extentSizeBytes: 4n << 20n,
      },
      ...{ seqno: 1, tags: [], missingPhysicalVolumes: 0, physicalVolumes: [] },
    }
    const storageClass = viewClass({
      metadata: { name: 'fast' },
      provisioner: 'loam.storage',
      parameters: { volumeGroup: 'loam-fast' },
    })
    const client = {
      get: (_type: unknown, { name }: { name: string }) =>
        Promise.resolve(name === 'cart' ? claim : undefined),
      create: (_type: unknown, object: KubeObject) => Promise.resolve(created.push(object)),
    } as unknown as KubeClient
    const volumes = {
      createVolume: ({ name, sizeBytes }: { name: string; sizeBytes: bigint }) => {
        volumesMade += 1
        const handle = { groupUuid: 'g', volumeUuid: 'v' }
        return Promise.resolve({ name, sizeBytes, handle })
      },
    } as unknown as NodeVolumes
    const controller = new ClaimController(
      {
        ports: {
          ...{ client, volumes, log: silentLogger },
          events: { record: () => undefined, flush: () => Promise.resolve() },
        },
        identity: { nodeName: 'node1', clusterId: 'c', namespace: 'loam-system' },
        claims: {
          get: () => viewClaim(claim),
          entries: () => [].values(),
        } as unknown as ObjectStore<ClaimView>,
        classes: classesForClaims({ find: () => storageClass, group }),
        lease: { isHeld: () => isHeld },
      },
      new Turns(),
    )
    await failureOf(controller.reconcile('shop/cart'), LeaseNotHeld)
    expect([volumesMade, created.length]).to.deep.equal([1, 0])
    isHeld = true
    await controller.reconcile('shop/cart')
    expect(created.map(({ metadata }) => metadata.name)).to.deep.equal(['pvc-u1'])
  })
})
