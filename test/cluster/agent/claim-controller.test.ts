import { expect } from 'chai'
import { recordOf } from '../../../core/volume-tags.ts'
import type { Lab } from '../../lab/lab.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import { signalAgent } from '../support/agent-process.ts'
import { auditEvents, type AuditEvent } from '../support/audit-log.ts'
import {
  createClaim,
  deleteClaim,
  findClaim,
  findPersistentVolume,
  waitForBound,
  waitForEvent,
  waitForNoPersistentVolume,
} from '../support/claims.ts'
import { leaveFree, waitForFree } from '../support/leave-free.ts'
import { logicalVolumesOn, nodesWithVolume } from '../support/logical-volumes.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { createPod, deletePod, execInPod, waitForPod } from '../support/pods.ts'
import { sharedLab } from '../support/shared-lab.ts'
import { createClass, removeClass, waitForClass, type TestClass } from '../support/storage-class.ts'

const SELECTED_NODE = 'volume.kubernetes.io/selected-node'

/** Of each group: room for one of the two pods that fit only apart. */
const FREE_MIB = 204

describe('agent/claim-controller: from a claim to a volume in a pod', function () {
  this.timeout(1_200_000)
  let lab: Lab
  let namespace: string
  let storageClass: TestClass

  const claim = (name: string, size: string) =>
    createClaim(lab, { namespace, name, storageClass: storageClass.name, size })
  const dropClaim = async (name: string): Promise<void> => {
    const volume = (await findClaim(lab, namespace, name))?.spec.volumeName
    await deleteClaim(lab, namespace, name)
    if (volume !== undefined) await waitForNoPersistentVolume(lab, volume)
  }

  before(async () => {
    lab = await sharedLab()
    namespace = await createNamespace(lab)
    storageClass = await createClass(lab, { name: 'claims', disks: { node1: ['a'], node2: ['a'] } })
    await waitForClass(lab, storageClass)
    await leaveFree(lab, storageClass, FREE_MIB)
  })
  after(async () => {
    await deleteNamespace(lab, namespace)
    await removeClass(lab, storageClass)
  })

  it('makes one logical volume with the record of its claim, and a PersistentVolume that only its node can use', async () => {
    const { metadata } = await claim('data', '100Mi')
    await createPod(lab, { namespace, name: 'writer', claims: ['data'] })
    const pod = await waitForPod(lab, namespace, 'writer')
    const node = pod.spec.nodeName ?? ''
    const bound = await waitForBound(lab, namespace, 'data')
    const name = `pvc-${metadata.uid}`
    expect(bound.spec.volumeName).to.equal(name)
    expect(await nodesWithVolume(lab, name)).to.deep.equal([node])

    const row = (await logicalVolumesOn(lab, node)).find(({ lv_name }) => lv_name === name)
    expect(Number(row?.lv_size)).to.equal(100 * 1024 * 1024)
    expect(recordOf(row?.lv_tags.split(',') ?? [])).to.include({
      state: 'used',
      claimUid: metadata.uid,
      claimNamespace: namespace,
      claimName: 'data',
      storageClassName: storageClass.name,
      erase: 'zero',
      content: 'ext4',
    })
    const object = await findPersistentVolume(lab, name)
    expect(object?.spec.csi.volumeHandle).to.equal(`${row?.vg_uuid ?? ''}/${row?.lv_uuid ?? ''}`)
    expect(JSON.stringify(object?.spec.nodeAffinity))
      .to.include(`"key":"topology.loam.storage/node"`)
      .and.include(`"${node}"`)
    expect(object?.metadata.finalizers).to.include('loam.storage/logical-volume')
  })

  it('keeps the data of a pod that is deleted and comes back', async () => {
    const writer = { namespace, name: 'writer' }
    await execInPod(lab, writer, ['sh', '-c', 'echo soil > /data/data/file && sync'])
    const mounts = await execInPod(lab, writer, ['grep', ' /data/data ', '/proc/mounts'])
    expect(mounts).to.match(/^\/dev\/\S+ \/data\/data ext4 rw,nosuid,nodev/)
    await deletePod(lab, namespace, 'writer')
    await createPod(lab, { ...writer, claims: ['data'] })
    await waitForPod(lab, namespace, 'writer')
    expect(await execInPod(lab, writer, ['cat', '/data/data/file'])).to.equal('soil')
    await deletePod(lab, namespace, 'writer')
    await dropClaim('data')
  })

  it('gives the second of two pods that fit only apart back to the scheduler, which runs it on the other node', async () => {
    await claim('left', '150Mi')
    await claim('right', '150Mi')
    // what the volume of before held is offered again
    await waitForFree(lab, storageClass, { node1: FREE_MIB, node2: FREE_MIB })
    // Held while both claims get the node, so that neither is served before the other has chosen.
    await signalAgent(lab, 'node1', 'STOP')
    try {
      for (const name of ['left', 'right'])
        await createPod(lab, { namespace, name, claims: [name], preferredNode: 'node1' })
      await waitFor({ what: 'both claims to select node1', timeoutMs: 240_000 }, async () => {
        const claims = await Promise.all(['left', 'right'].map((name) => findClaim(lab, namespace, name)))
        return claims.every((object) => object?.metadata.annotations?.[SELECTED_NODE] === 'node1')
      })
    } finally {
      await signalAgent(lab, 'node1', 'CONT')
    }
    const pods = await Promise.all(['left', 'right'].map((name) => waitForPod(lab, namespace, name)))
    expect(pods.map((pod) => pod.spec.nodeName).sort()).to.deep.equal(['node1', 'node2'])

    const loser = pods[0]?.spec.nodeName === 'node2' ? 'left' : 'right'
    await proveThatWeCleared(loser)
    const event = await waitForEvent(lab, namespace, loser, /^NoSpace: /)
    expect(event).to.match(/node node1: .*152 MiB wanted.* free .*asked the scheduler for another node/)
    for (const name of ['left', 'right']) {
      await deletePod(lab, namespace, name)
      await dropClaim(name)
    }
  })

  /** From the audit log: our agent removed the key, and had told the scheduler the lower capacity before. */
  const proveThatWeCleared = async (name: string): Promise<void> => {
    const byAgent = ({ user, responseStatus }: AuditEvent): boolean =>
      user.username === 'system:serviceaccount:loam-system:loam-agent' && responseStatus?.code === 200
    const events = await auditEvents(lab, byAgent)
    const cleared = events.findIndex(({ verb, objectRef, requestObject, responseObject }) => {
      const isOurs =
        verb === 'patch' &&
        objectRef?.resource === 'persistentvolumeclaims' &&
        objectRef.namespace === namespace &&
        objectRef.name === name
      return (
        isOurs &&
        JSON.stringify(requestObject).includes(`"${SELECTED_NODE}":null`) &&
        !(SELECTED_NODE in (responseObject?.metadata.annotations ?? {}))
      )
    })
    expect(cleared, 'a write that removed the key').to.be.at.least(0)
    const told = events.slice(0, cleared).filter(({ objectRef, responseObject }) => {
      const capacity = responseObject as
        { storageClassName?: string; nodeTopology?: unknown; maximumVolumeSize?: string } | undefined
      return (
        objectRef?.resource === 'csistoragecapacities' &&
        capacity?.storageClassName === storageClass.name &&
        JSON.stringify(capacity.nodeTopology).includes('"node1"')
      )
    })
    const last = told.at(-1)?.responseObject as { maximumVolumeSize?: string } | undefined
    expect(last?.maximumVolumeSize, 'capacity of node1 told before the key was removed').to.equal(
      `${FREE_MIB - 152}Mi`,
    )
  }

  it('refuses an access mode that no node can serve, and keeps the selected node', async () => {
    await createClaim(lab, {
      ...{ namespace, name: 'shared', storageClass: storageClass.name, size: '10Mi' },
      accessMode: 'ReadWriteMany',
    })
    await createPod(lab, { namespace, name: 'shared', claims: ['shared'] })
    const event = await waitForEvent(lab, namespace, 'shared', /^AccessModeNotSupported: /)
    expect(event).to.match(
      /\[ReadWriteMany\]: allowed for a node-local volume are ReadWriteOnce, ReadWriteOncePod/,
    )
    const object = await findClaim(lab, namespace, 'shared')
    expect(object?.metadata.annotations).to.have.property(SELECTED_NODE)
    await deletePod(lab, namespace, 'shared')
    await dropClaim('shared')
  })
})
