import { expect } from 'chai'
import { isWholeSet } from '../../faults/extent.ts'
import type { Lab } from '../../lab/lab.ts'
import {
  createClaim,
  deleteClaim,
  findClaim,
  waitForBound,
  waitForEvent,
  waitForNoPersistentVolume,
  type ClaimObject,
} from '../support/claims.ts'
import { leaveFree } from '../support/leave-free.ts'
import { nodesWithVolume } from '../support/logical-volumes.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { createPod, deletePod, podManifest, waitForNodeOf, waitForPod } from '../support/pods.ts'
import { sharedLab } from '../support/shared-lab.ts'
import { createClass, removeClass, waitForClass, type TestClass } from '../support/storage-class.ts'

const LETTERS = ['a', 'b', 'c']
/** Of each group. */
const FREE_MIB = 84

describe('agent/claim-siblings: claims of one pod', function () {
  this.timeout(1_200_000)
  let lab: Lab
  let namespace: string
  let first: TestClass
  let second: TestClass

  const claim = (name: string, storageClass: TestClass, size: string): Promise<ClaimObject> =>
    createClaim(lab, { namespace, name, storageClass: storageClass.name, size, volumeMode: 'Block' })
  /** The whole set runs its pods; otherwise a pod ends where a node has been found and all of its claims are bound. */
  const podWith = (name: string, blockClaims: readonly string[]): Promise<unknown> =>
    createPod(lab, { namespace, name, blockClaims, isNeverStarted: !isWholeSet })
  const claimNames = (pod: string): string[] => LETTERS.map((letter) => `${pod}-${letter}`)

  /** A pod with three claims. */
  const podOfThree = async (name: string, storageClass: TestClass, size: string): Promise<void> => {
    const claims = claimNames(name)
    await Promise.all(claims.map((each) => claim(each, storageClass, size)))
    await podWith(name, claims)
  }

  const nodeOf = (pod: string) => waitForNodeOf(lab, namespace, pod)

  const dropClaims = async (names: readonly string[]): Promise<void> => {
    await Promise.all(
      names.map(async (name) => {
        const volume = (await findClaim(lab, namespace, name))?.spec.volumeName
        await deleteClaim(lab, namespace, name)
        if (volume !== undefined) await waitForNoPersistentVolume(lab, volume)
      }),
    )
  }
  const remove = async (pod: string): Promise<void> => {
    await deletePod(lab, namespace, pod)
    await dropClaims(claimNames(pod))
  }

  /** That no claim of these is bound, and no volume of theirs is anywhere. */
  const expectNothingOf = async (names: readonly string[]): Promise<void> => {
    for (const name of names) {
      const object = await findClaim(lab, namespace, name)
      expect(object?.spec.volumeName, name).to.equal(undefined)
      const nodes = await nodesWithVolume(lab, `pvc-${object?.metadata.uid ?? ''}`)
      expect(nodes, `volume of ${name}`).to.deep.equal([])
    }
  }

  before(async () => {
    lab = await sharedLab()
    namespace = await createNamespace(lab)
    first = await createClass(lab, { name: 'pod-one', disks: { node1: ['a'], node2: ['a'] } })
    second = await createClass(lab, { name: 'pod-two', disks: { node1: ['b'] } })
    await waitForClass(lab, first)
    await waitForClass(lab, second)
    await leaveFree(lab, first, FREE_MIB)
    await leaveFree(lab, second, FREE_MIB)
  })
  after(async () => {
    await deleteNamespace(lab, namespace)
    await removeClass(lab, first)
    await removeClass(lab, second)
  })

  it('gives pods of three claims a node where all three fit, and binds none of a pod whose claims fit one by one only', async () => {
    await Promise.all(['one', 'two'].map((name) => podOfThree(name, first, '20Mi')))
    const nodes = await Promise.all(['one', 'two'].map(nodeOf))
    expect(nodes.sort()).to.deep.equal(['node1', 'node2'])

    await podOfThree('three', first, '20Mi')
    for (const name of claimNames('three')) {
      const event = await waitForEvent(lab, namespace, name, /^NoSpace: /)
      expect(event).to.match(
        /node node[12], for all claims of pod "three" together \("three-a" 20Mi, "three-b" 20Mi, "three-c" 20Mi\): .*20 MiB wanted beside 20 MiB for others of the same pod .* at most \d+ MiB fits.*asked the scheduler for another node/,
      )
    }
    await expectNothingOf(claimNames('three'))

    // Both: one by one the claims fit beside "two" as well, and kube-scheduler could try that node again and again.
    await Promise.all(['one', 'two'].map(remove))
    await nodeOf('three')
    for (const name of claimNames('three')) await waitForBound(lab, namespace, name)
    await remove('three')
  })

  it('makes no volume of one class for a pod whose claims of another class do not fit together', async () => {
    const claims = ['small', 'large', 'larger']
    await claim('small', first, '8Mi')
    await claim('large', second, '50Mi')
    await claim('larger', second, '50Mi')
    await podWith('torn', claims)
    for (const name of claims)
      await waitForEvent(lab, namespace, name, /^NoSpace: node node1, for all claims of pod "torn"/)
    await expectNothingOf(claims)

    await deletePod(lab, namespace, 'torn')
    // kube-scheduler may have given it the node again just before: without a pod it would get its volume, and "large" none
    await dropClaims(['larger'])
    await podWith('whole', ['small', 'large'])
    expect(await nodeOf('whole')).to.equal('node1')
    await deletePod(lab, namespace, 'whole')
    await dropClaims(['small', 'large'])
  })

  it('makes no volume for a pod one of whose claims no node can serve, and says so on each', async () => {
    await claim('good', first, '8Mi')
    await createClaim(lab, {
      ...{ namespace, name: 'shared', storageClass: first.name, size: '8Mi' },
      ...{ accessMode: 'ReadWriteMany', volumeMode: 'Block' },
    })
    await podWith('mixed', ['good', 'shared'])
    await waitForEvent(lab, namespace, 'shared', /^AccessModeNotSupported: /)
    const event = await waitForEvent(lab, namespace, 'good', /^PodClaimRefused: /)
    expect(event).to.include('"shared"')
    await expectNothingOf(['good', 'shared'])
    await deletePod(lab, namespace, 'mixed')
    await dropClaims(['good', 'shared'])
  })

  it('serves generic ephemeral volumes, and the claims of a StatefulSet', async () => {
    const template = {
      spec: {
        ...{ storageClassName: first.name, accessModes: ['ReadWriteOnce'], volumeMode: 'Block' },
        resources: { requests: { storage: '8Mi' } },
      },
    }
    const plain = podManifest({ namespace, name: 'brief' }) as {
      spec: { containers: readonly object[] }
    }
    const ephemeral = ['x', 'y'].map((name) => ({ name, ephemeral: { volumeClaimTemplate: template } }))
    const using = (names: readonly string[]) =>
      plain.spec.containers.map((container) => ({
        ...container,
        volumeDevices: names.map((name) => ({ name, devicePath: `/dev/${name}` })),
      }))
    await lab.api.json({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/pods`,
      body: { ...plain, spec: { ...plain.spec, containers: using(['x', 'y']), volumes: ephemeral } },
    })
    await waitForPod(lab, namespace, 'brief')

    const labels = { app: 'set' }
    await lab.api.json({
      method: 'POST',
      path: `/apis/apps/v1/namespaces/${namespace}/statefulsets`,
      body: {
        metadata: { name: 'set' },
        spec: {
          serviceName: 'set',
          replicas: 2,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { ...plain.spec, containers: using(['x']), volumes: [] } },
          volumeClaimTemplates: [{ metadata: { name: 'x' }, ...template }],
        },
      },
    })
    for (const pod of ['set-0', 'set-1']) await waitForPod(lab, namespace, pod)
    const claims = ['x-set-0', 'x-set-1']
    const volumes = await Promise.all(
      [...claims, 'brief-x', 'brief-y'].map(
        async (name) => (await waitForBound(lab, namespace, name)).spec.volumeName ?? '',
      ),
    )
    await lab.api.send({ method: 'DELETE', path: `/apis/apps/v1/namespaces/${namespace}/statefulsets/set` })
    for (const pod of ['set-0', 'set-1', 'brief']) await deletePod(lab, namespace, pod)
    await dropClaims(claims)
    await Promise.all(volumes.map((volume) => waitForNoPersistentVolume(lab, volume)))
  })
})
