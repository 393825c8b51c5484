import { expect } from 'chai'
import type { Lab } from '../../lab/lab.ts'
import {
  createClaim,
  deleteClaim,
  findClaim,
  findPersistentVolume,
  waitForBound,
  waitForEvent,
  waitForNoPersistentVolume,
} from '../support/claims.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { createPod, deletePod, waitForPod } from '../support/pods.ts'
import { sharedLab } from '../support/shared-lab.ts'
import { createClass, removeClass, waitForClass, type TestClass } from '../support/storage-class.ts'

describe('scheduler: a claim that binds at once', function () {
  this.timeout(1_200_000)
  let lab: Lab
  let namespace: string
  let storageClass: TestClass
  const claim = (name: string, size: string) =>
    createClaim(lab, { namespace, name, storageClass: storageClass.name, size })

  before(async () => {
    lab = await sharedLab()
    namespace = await createNamespace(lab)
    storageClass = await createClass(lab, {
      ...{ name: 'at-once', bindingMode: 'Immediate' },
      disks: { node1: ['a'], node2: ['a', 'b'] },
    })
    await waitForClass(lab, storageClass)
  })
  after(async () => {
    await deleteNamespace(lab, namespace)
    await removeClass(lab, storageClass)
  })

  it('is bound on the roomiest node without any pod, and its pod follows it there', async () => {
    await claim('early', '64Mi')
    const { spec } = await waitForBound(lab, namespace, 'early')
    const volume = spec.volumeName ?? ''
    expect(JSON.stringify((await findPersistentVolume(lab, volume))?.spec.nodeAffinity)).to.contain('"node2"')
    await createPod(lab, { namespace, name: 'early', claims: ['early'] })
    expect((await waitForPod(lab, namespace, 'early')).spec.nodeName).to.equal('node2')
    await deletePod(lab, namespace, 'early')
    await deleteClaim(lab, namespace, 'early')
    await waitForNoPersistentVolume(lab, volume)
  })

  it('is told why when no node can have it', async () => {
    await claim('huge', '1Ti')
    const event = await waitForEvent(lab, namespace, 'huge', /^NoNodeFits: /)
    expect(event).to.match(/no node can have 1Ti of StorageClass "at-once": node2 has .*, node1 has /)
    expect((await findClaim(lab, namespace, 'huge'))?.spec.volumeName).to.equal(undefined)
    await deleteClaim(lab, namespace, 'huge')
  })
})
