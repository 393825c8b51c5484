import { expect } from 'chai'
import type { Lab } from '../../lab/lab.ts'
import { createClaim, deleteClaim, waitForBound } from '../support/claims.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { removePodAndClaim } from '../support/pod-and-claim.ts'
import { createPod, deletePod, waitForPod, waitForRefusal } from '../support/pods.ts'
import { sharedLab } from '../support/shared-lab.ts'
import { createClass, removeClass, waitForClass, type TestClass } from '../support/storage-class.ts'

/** Of nodes; the class of a zone is named for it. */
const ZONES: Readonly<Record<string, string>> = { node1: 'east', node2: 'west', node3: 'west' }

describe('scheduler: classes of zones', function () {
  this.timeout(1_200_000)
  let lab: Lab
  let namespace: string
  const classes: TestClass[] = []

  const label = async (node: string, zone: string | null): Promise<void> => {
    await lab.api.json({
      ...{ method: 'PATCH', path: `/api/v1/nodes/${node}`, contentType: 'application/merge-patch+json' },
      body: { metadata: { labels: { zone } } },
    })
  }
  const start = async (name: string, storageClass: string): Promise<void> => {
    await createClaim(lab, { namespace, name, storageClass, size: '8Mi', volumeMode: 'Block' })
    await createPod(lab, { namespace, name, blockClaims: [name], zone: 'west' })
  }

  before(async () => {
    lab = await sharedLab()
    namespace = await createNamespace(lab)
    for (const [node, zone] of Object.entries(ZONES)) await label(node, zone)
    const disks = { node1: ['a'], node2: ['a'], node3: ['a'] }
    classes.push(await createClass(lab, { name: 'east', disks, zones: ['east'] }))
    const shared = { parameters: { volumeGroup: 'loam-east' } }
    classes.push(await createClass(lab, { ...shared, name: 'west', disks: {}, zones: ['west'] }))
    for (const each of classes) await waitForClass(lab, each)
  })
  after(async () => {
    await deleteNamespace(lab, namespace)
    for (const each of classes.reverse()) await removeClass(lab, each)
    for (const node of Object.keys(ZONES)) await label(node, null)
  })

  it('leave a pod Pending that may run in another zone only, until it has a class of that zone', async () => {
    await start('lost', 'east')
    const lack = /2 node\(s\) did(n't find available persistent volumes| not have enough free storage)/
    await waitForRefusal(lab, namespace, 'lost', lack)
    await deletePod(lab, namespace, 'lost')
    await deleteClaim(lab, namespace, 'lost')

    await start('found', 'west')
    await waitForBound(lab, namespace, 'found')
    expect((await waitForPod(lab, namespace, 'found')).spec.nodeName).to.be.oneOf(['node2', 'node3'])
    await removePodAndClaim(lab, namespace, 'found')
  })
})
