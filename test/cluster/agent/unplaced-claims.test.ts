import { expect } from 'chai'
import type { Lab } from '../../lab/lab.ts'
import { createClaim, findClaim, waitForBound, waitForEvent } from '../support/claims.ts'
import { leaveFree } from '../support/leave-free.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { removePodAndClaim } from '../support/pod-and-claim.ts'
import { createPod, waitForPod } from '../support/pods.ts'
import { sharedLab } from '../support/shared-lab.ts'
import { createClass, removeClass, waitForClass, type TestClass } from '../support/storage-class.ts'

/** Room for one of the volumes of this test on each node. */
const FREE_MIB = 100

describe('agent/unplaced-claims: a claim that fits nowhere', function () {
  this.timeout(1_200_000)
  let lab: Lab
  let namespace: string
  let storageClass: TestClass
  const claim = (name: string, size: string) =>
    createClaim(lab, { namespace, name, storageClass: storageClass.name, size })

  const remove = (name: string): Promise<void> => removePodAndClaim(lab, namespace, name)

  before(async () => {
    lab = await sharedLab()
    namespace = await createNamespace(lab)
    storageClass = await createClass(lab, { name: 'nowhere', disks: { node1: ['a'], node2: ['a'] } })
    await waitForClass(lab, storageClass)
    await leaveFree(lab, storageClass, FREE_MIB)
  })
  after(async () => {
    await deleteNamespace(lab, namespace)
    await removeClass(lab, storageClass)
  })

  it('waits with an event that says why for each node, and runs when room appears', async () => {
    const fill = async (name: string, node: string): Promise<void> => {
      await claim(name, '64Mi')
      await createPod(lab, { namespace, name, node, claims: [name], isNeverStarted: true })
      await waitForBound(lab, namespace, name)
    }
    await Promise.all([fill('first', 'node1'), fill('second', 'node2')])
    await claim('third', '64Mi')
    await createPod(lab, { namespace, name: 'third', claims: ['third'] })
    const event = await waitForEvent(lab, namespace, 'third', /^NoNodeHasRoom: /)
    expect(event).to.match(
      /no node has room for 64Mi .*node1 36 MiB of \d+ MiB free, node2 36 MiB of \d+ MiB free/,
    )
    await waitForEvent(lab, namespace, 'third', /^FailedScheduling: .*did not have enough free storage/)
    expect((await findClaim(lab, namespace, 'third'))?.status?.phase).to.equal('Pending')

    await remove('first')
    const pod = await waitForPod(lab, namespace, 'third')
    expect(pod.spec.nodeName).to.equal('node1')

    await Promise.all([remove('second'), remove('third')])
  })
})
