import { expect } from 'chai'
import type { Lab } from '../../lab/lab.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import {
  createClaim,
  deleteClaim,
  findPersistentVolume,
  setReclaimPolicy,
  waitForBound,
  waitForNoPersistentVolume,
} from '../support/claims.ts'
import { nodesWithVolume, waitForNoVolume } from '../support/logical-volumes.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { createPod, deletePod, execInPod, waitForPod } from '../support/pods.ts'
import { sharedLab } from '../support/shared-lab.ts'
import {
  capacitiesOf,
  createClass,
  removeClass,
  waitForClass,
  type TestClass,
} from '../support/storage-class.ts'

describe('agent/reclaim-controller: what becomes of a volume when its claim goes', function () {
  this.timeout(1_200_000)
  let lab: Lab
  let namespace: string
  let storageClass: TestClass

  before(async () => {
    lab = await sharedLab()
    namespace = await createNamespace(lab)
    storageClass = await createClass(lab, { name: 'reclaim', disks: { node1: ['a'] } })
    await waitForClass(lab, storageClass)
  })
  after(async () => {
    await deleteNamespace(lab, namespace)
    await removeClass(lab, storageClass)
  })

  /** A claim whose volume a pod has written to; gives the PersistentVolume's name. */
  const usedClaim = async (name: string): Promise<string> => {
    await createClaim(lab, { namespace, name, storageClass: storageClass.name, size: '64Mi' })
    const pod = { namespace, name, claims: [name] }
    await createPod(lab, pod)
    await waitForPod(lab, namespace, name)
    await execInPod(lab, pod, ['sh', '-c', `echo kept > /data/${name}/file && sync`])
    await deletePod(lab, namespace, name)
    return (await waitForBound(lab, namespace, name)).spec.volumeName ?? ''
  }

  const waitForPhase = (volume: string, phase: string) =>
    waitFor({ what: `PersistentVolume ${volume} to be ${phase}`, timeoutMs: 240_000 }, async () => {
      return (await findPersistentVolume(lab, volume))?.status.phase === phase
    })

  it('Delete: the logical volume goes, then the PersistentVolume, and the space is offered again', async () => {
    const before = await capacitiesOf(lab, storageClass.name)
    const volume = await usedClaim('gone')
    expect(await nodesWithVolume(lab, volume)).to.deep.equal(['node1'])
    await deleteClaim(lab, namespace, 'gone')
    await waitForNoPersistentVolume(lab, volume)
    expect(await nodesWithVolume(lab, volume)).to.deep.equal([])
    const describe = async () => JSON.stringify(await capacitiesOf(lab, storageClass.name))
    await waitFor({ what: 'the capacity of before', timeoutMs: 240_000, describe }, async () => {
      return (await capacitiesOf(lab, storageClass.name)).node1 === before.node1
    })
  })

  it('Retain: both are kept; Delete later ends both', async () => {
    const volume = await usedClaim('kept')
    await setReclaimPolicy(lab, volume, 'Retain')
    await deleteClaim(lab, namespace, 'kept')
    await waitForPhase(volume, 'Released')
    // Another volume comes and goes meanwhile: the agent has had every chance to act.
    const other = await usedClaim('other')
    await deleteClaim(lab, namespace, 'other')
    await waitForNoPersistentVolume(lab, other)
    expect(await nodesWithVolume(lab, volume)).to.deep.equal(['node1'])
    expect((await findPersistentVolume(lab, volume))?.metadata.deletionTimestamp).to.equal(undefined)

    await setReclaimPolicy(lab, volume, 'Delete')
    await waitForNoPersistentVolume(lab, volume)
    await waitForNoVolume(lab, 'node1', volume)
  })

  it('Retain, and a person deletes the PersistentVolume: the logical volume is kept', async () => {
    const volume = await usedClaim('left')
    await setReclaimPolicy(lab, volume, 'Retain')
    await deleteClaim(lab, namespace, 'left')
    await waitForPhase(volume, 'Released')
    await lab.api.send({ method: 'DELETE', path: `/api/v1/persistentvolumes/${volume}` })
    await waitForNoPersistentVolume(lab, volume)
    expect(await nodesWithVolume(lab, volume)).to.deep.equal(['node1'])
  })
})
