import { expect } from 'chai'
import { NODE_LABEL } from '../../../core/naming.ts'
import { isWholeSet } from '../../faults/extent.ts'
import type { Lab } from '../../lab/lab.ts'
import type { KubeObject } from '../../lab/runtime/api.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import {
  createClaim,
  deleteClaim,
  findClaim,
  findPersistentVolume,
  setReclaimPolicy,
  waitForBound,
  waitForEvent,
  waitForNoPersistentVolume,
} from '../support/claims.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { removePodAndClaim } from '../support/pod-and-claim.ts'
import { createPod, deletePod, execInPod, waitForPod } from '../support/pods.ts'
import { sharedLab } from '../support/shared-lab.ts'
import { createClass, removeClass, waitForClass, type TestClass } from '../support/storage-class.ts'

const MERGE = 'application/merge-patch+json'
const MIB = 1024 * 1024

interface Expanding extends KubeObject {
  readonly status?: {
    readonly capacity?: { readonly storage?: string }
    readonly allocatedResourceStatuses?: { readonly storage?: string }
  }
}

describe('agent/expansion-controller: a claim asks for more', function () {
  this.timeout(1_200_000)
  let lab: Lab
  let namespace: string
  let storageClass: TestClass

  before(async () => {
    lab = await sharedLab()
    namespace = await createNamespace(lab)
    storageClass = await createClass(lab, { name: 'expand', disks: { node1: ['a'] } })
    await waitForClass(lab, storageClass)
  })
  after(async () => {
    await deleteNamespace(lab, namespace)
    await removeClass(lab, storageClass)
  })

  const request = (name: string, storage: string) =>
    lab.api.json({
      ...{ method: 'PATCH', contentType: MERGE },
      path: `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`,
      body: { spec: { resources: { requests: { storage } } } },
    })
  const waitForCapacity = (name: string, storage: string) => {
    const find = () => findClaim(lab, namespace, name)
    const describe = async () => JSON.stringify((await find())?.status)
    return waitFor({ what: `${name} to have ${storage}`, timeoutMs: 240_000, describe }, async () => {
      return (await find())?.status?.capacity?.storage === storage
    })
  }
  const sizeInPod = async (name: string): Promise<number> => {
    const line = await execInPod(lab, { namespace, name }, ['df', '-k', `/data/${name}`])
    return Number(/\s(\d+)\s+\d+\s+\d+\s+\d+%/.exec(line)?.[1] ?? 0) * 1024
  }
  const started = async (name: string, size: string): Promise<void> => {
    await createClaim(lab, { namespace, name, storageClass: storageClass.name, size })
    await createPod(lab, { namespace, name, claims: [name] })
    await waitForPod(lab, namespace, name)
  }

  /** Nothing of it is left: the disks are made blank after the last test. */
  const remove = (name: string): Promise<void> => removePodAndClaim(lab, namespace, name)

  it('ext4, while a pod writes', async () => {
    await started('online', '64Mi')
    const pod = { namespace, name: 'online' }
    await execInPod(lab, pod, [
      'sh',
      '-c',
      'while :; do date >>/data/online/log; sync; sleep 1; done >/dev/null 2>&1 & echo',
    ])
    await request('online', '128Mi')
    await waitForCapacity('online', '128Mi')
    expect(await sizeInPod('online')).to.be.greaterThan(100 * MIB)
    expect(await execInPod(lab, pod, ['sh', '-c', 'touch /data/online/after && echo done'])).to.include(
      'done',
    )
    await remove('online')
  })

  it('without a pod: the file system follows when one starts', async () => {
    await started('offline', '64Mi')
    await deletePod(lab, namespace, 'offline')
    await request('offline', '96Mi')
    await waitFor({ what: 'the claim to wait for a pod', timeoutMs: 240_000 }, async () => {
      const { status } = (await findClaim(lab, namespace, 'offline')) as Expanding
      return status?.allocatedResourceStatuses?.storage === 'NodeResizePending'
    })
    await createPod(lab, { namespace, name: 'offline', claims: ['offline'] })
    await waitForPod(lab, namespace, 'offline')
    await waitForCapacity('offline', '96Mi')
    expect(await sizeInPod('offline')).to.be.greaterThan(76 * MIB)
    await remove('offline')
  })

  it('a block volume, which its pod sees at once', async () => {
    await createClaim(lab, {
      namespace,
      name: 'raw',
      storageClass: storageClass.name,
      size: '16Mi',
      volumeMode: 'Block',
    })
    const pod = { namespace, name: 'raw', blockClaims: ['raw'] }
    await createPod(lab, pod)
    await waitForPod(lab, namespace, 'raw')
    await request('raw', '32Mi')
    await waitForCapacity('raw', '32Mi')
    expect(await execInPod(lab, pod, ['blockdev', '--getsize64', '/dev/raw'])).to.include(`${32 * MIB}`)
    await remove('raw')
  })

  const tooMuch = async (): Promise<void> => {
    await started('greedy', '16Mi')
    await request('greedy', '1Ti')
    expect(await waitForEvent(lab, namespace, 'greedy', /^VolumeResizeFailed: /)).to.match(
      /1 TiB wanted.*at most .* fits/,
    )
    const { status } = (await findClaim(lab, namespace, 'greedy')) as Expanding
    expect(status?.capacity?.storage).to.equal('16Mi')
    await request('greedy', '32Mi')
    await waitForCapacity('greedy', '32Mi')
    await remove('greedy')
  }

  const madeByHand = async (): Promise<void> => {
    await started('first', '16Mi')
    await deletePod(lab, namespace, 'first')
    const volume = (await waitForBound(lab, namespace, 'first')).spec.volumeName ?? ''
    await setReclaimPolicy(lab, volume, 'Retain')
    await deleteClaim(lab, namespace, 'first')
    const old = await findPersistentVolume(lab, volume)
    await lab.api.send({ method: 'DELETE', path: `/api/v1/persistentvolumes/${volume}` })
    await lab.api.json({
      ...{ method: 'POST', path: '/api/v1/persistentvolumes' },
      body: {
        metadata: { name: 'by-hand', labels: { [NODE_LABEL]: 'node1' } },
        spec: { ...old?.spec, claimRef: { namespace, name: 'second' } },
      },
    })
    await lab.api.json({
      ...{ method: 'POST', path: `/api/v1/namespaces/${namespace}/persistentvolumeclaims` },
      body: {
        metadata: { name: 'second' },
        spec: {
          ...{ storageClassName: storageClass.name, volumeName: 'by-hand', accessModes: ['ReadWriteOnce'] },
          resources: { requests: { storage: '16Mi' } },
        },
      },
    })
    await waitForBound(lab, namespace, 'second')
    await createPod(lab, { namespace, name: 'second', claims: ['second'] })
    await waitForPod(lab, namespace, 'second')
    await request('second', '32Mi')
    await waitForCapacity('second', '32Mi')
    await deletePod(lab, namespace, 'second')
    await deleteClaim(lab, namespace, 'second')
    // its policy is Retain: the volume stays, in no use, until the disks are made blank
    await lab.api.send({ method: 'DELETE', path: '/api/v1/persistentvolumes/by-hand' })
    await waitForNoPersistentVolume(lab, 'by-hand')
  }

  // with LOAM_FAULTS=all: test/cluster/kube/expansion.test.ts has both without a kubelet
  if (isWholeSet) {
    it('more than there is: infeasible, with numbers; then a smaller request works', tooMuch)
    it('a PersistentVolume made by hand, and a claim that names no node', madeByHand)
  }
})
