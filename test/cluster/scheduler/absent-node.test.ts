import { expect } from 'chai'
import { volumeNameForClaim } from '../../../core/naming.ts'
import { SELECTED_NODE } from '../../../kube/claim-view.ts'
import { isWholeSet } from '../../faults/extent.ts'
import type { Lab } from '../../lab/lab.ts'
import { waitForNode } from '../../lab/node/ready.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import { holdAtCreation, signalAgent } from '../support/agent-process.ts'
import { createClaim, findClaim, waitForBound, waitForEvent } from '../support/claims.ts'
import { nodesWithVolume, waitForNoVolume } from '../support/logical-volumes.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { removePodAndClaim } from '../support/pod-and-claim.ts'
import { createPod, waitForPod } from '../support/pods.ts'
import { sharedLab } from '../support/shared-lab.ts'
import {
  capacitiesOf,
  createClass,
  isReady,
  removeClass,
  waitForClass,
  waitForReport,
  type TestClass,
} from '../support/storage-class.ts'

const absentNode = function (this: Mocha.Suite): void {
  this.timeout(1_800_000)
  let lab: Lab
  let namespace: string
  let storageClass: TestClass

  before(async () => {
    lab = await sharedLab()
    namespace = await createNamespace(lab)
    storageClass = await createClass(lab, { name: 'absent', disks: { node1: ['a'], node2: ['a'] } })
    await waitForClass(lab, storageClass)
  })
  after(async () => {
    // a test that failed in the middle has left it without power
    await lab.vm('node1').catch(async () => waitForNode(lab.api, await lab.start('node1')))
    await deleteNamespace(lab, namespace)
    await removeClass(lab, storageClass)
  })

  it('loses the claims that wait for it, and its capacity, and has both back when it is there again', async () => {
    await createClaim(lab, { namespace, name: 'moved', storageClass: storageClass.name, size: '64Mi' })
    // held, so that the claim has its node and no volume when the power goes
    await signalAgent(lab, 'node1', 'STOP')
    await createPod(lab, { namespace, name: 'moved', claims: ['moved'], preferredNode: 'node1' })
    await waitFor({ what: 'the claim to select node1', timeoutMs: 240_000 }, async () => {
      const claim = await findClaim(lab, namespace, 'moved')
      return claim?.metadata.annotations?.[SELECTED_NODE] === 'node1'
    })
    await lab.cut('node1')

    const where = { storageClass: storageClass.name, node: 'node1' }
    const event = await waitForEvent(lab, namespace, 'moved', /^AgentSilent: /, 600_000)
    expect(event).to.include('the agent of node "node1" has given no sign of life')
    expect((await waitForPod(lab, namespace, 'moved')).spec.nodeName).to.equal('node2')
    const { spec } = await waitForBound(lab, namespace, 'moved')
    const what = 'Ready is Unknown'
    await waitForReport(lab, { ...where, what }, ({ status }) =>
      (status?.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'Unknown'),
    )
    expect(Object.keys(await capacitiesOf(lab, storageClass.name))).to.deep.equal(['node2'])

    await waitForNode(lab.api, await lab.start('node1'))
    await waitForReport(lab, { ...where, what: 'Ready again' }, isReady)
    await waitFor({ what: 'capacity of node1 to be told again', timeoutMs: 240_000 }, async () => {
      return 'node1' in (await capacitiesOf(lab, storageClass.name))
    })
    expect(await nodesWithVolume(lab, spec.volumeName ?? '')).to.deep.equal(['node2'])
    await removePodAndClaim(lab, namespace, 'moved')
  })

  it('takes its logical volume back when it comes to itself and the claim is served elsewhere', async () => {
    const { metadata } = await createClaim(lab, {
      ...{ namespace, name: 'late', storageClass: storageClass.name, size: '64Mi' },
    })
    const volume = volumeNameForClaim(metadata.uid)
    const { held, resume } = await holdAtCreation(lab, 'node1', volume)
    try {
      await createPod(lab, { namespace, name: 'late', claims: ['late'], preferredNode: 'node1' })
      await held
      await waitFor({ what: 'the logical volume on node1', timeoutMs: 60_000 }, async () =>
        (await nodesWithVolume(lab, volume)).includes('node1'),
      )
      await waitForEvent(lab, namespace, 'late', /^AgentSilent: /, 600_000)
      await waitForBound(lab, namespace, 'late')
      expect(await nodesWithVolume(lab, volume)).to.deep.equal(['node1', 'node2'])
    } finally {
      await resume()
    }
    await waitForNoVolume(lab, 'node1', volume)
    expect(await nodesWithVolume(lab, volume)).to.deep.equal(['node2'])
    expect((await waitForPod(lab, namespace, 'late')).spec.nodeName).to.equal('node2')
    await removePodAndClaim(lab, namespace, 'late')
  })
}

// with LOAM_FAULTS=all: silence takes minutes
if (isWholeSet) describe('scheduler: a node that does not answer', absentNode)
