import { expect } from 'chai'
import { isWholeSet } from '../../faults/extent.ts'
import type { Lab } from '../../lab/lab.ts'
import type { KubeObject } from '../../lab/runtime/api.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import { createClaim, findClaim, waitForBound, waitForEvent } from '../support/claims.ts'
import { leaveFree } from '../support/leave-free.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { createPod, deletePod, type PlacedPod } from '../support/pods.ts'
import { sharedLab } from '../support/shared-lab.ts'
import { createClass, removeClass, waitForClass, type TestClass } from '../support/storage-class.ts'

interface ClassedVolume extends KubeObject {
  readonly spec: { readonly storageClassName?: string }
}

/** Each node has room for so many pods of three claims of 8 MiB, and for one claim more. */
const RACE = { pods: 20, winnersANode: 3, freeMib: 84 }
const WINNERS = 2 * RACE.winnersANode

const raceOfPods = function (this: Mocha.Suite): void {
  this.timeout(1_200_000)
  let lab: Lab
  let namespace: string
  let storageClass: TestClass

  const pods = Array.from({ length: RACE.pods }, (_, index) => `race-${index}`)
  const claimNames = (pod: string): string[] => ['a', 'b', 'c'].map((letter) => `${pod}-${letter}`)

  const startPod = async (name: string): Promise<void> => {
    const blockClaims = claimNames(name)
    const common = { namespace, storageClass: storageClass.name, size: '8Mi', volumeMode: 'Block' } as const
    await Promise.all(blockClaims.map((each) => createClaim(lab, { ...common, name: each })))
    await createPod(lab, { namespace, name, blockClaims })
  }
  /** Pods that have a node, which kube-scheduler gives them when all of their claims are bound. */
  const placed = async (): Promise<readonly string[]> =>
    (await lab.api.list<PlacedPod>(`/api/v1/namespaces/${namespace}/pods`))
      .filter(({ spec }) => spec.nodeName !== undefined)
      .map(({ metadata }) => metadata.name)
  const waitForPlaced = (count: number): Promise<readonly string[]> => {
    const describe = async (): Promise<string> => `placed: ${(await placed()).join(', ')}`
    return waitFor({ what: `${count} pods to be placed`, timeoutMs: 300_000, describe }, async () => {
      const names = await placed()
      return names.length >= count && names
    })
  }
  const volumesOfClass = async (): Promise<number> =>
    (await lab.api.list<ClassedVolume>('/api/v1/persistentvolumes')).filter(
      ({ spec }) => spec.storageClassName === storageClass.name,
    ).length
  /** All at once, as a user does it. */
  const drop = async (names: readonly string[]): Promise<void> => {
    await Promise.all(names.map((name) => deletePod(lab, namespace, name)))
    const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims`
    for (const claim of names.flatMap(claimNames))
      await lab.api.send({ method: 'DELETE', path: `${path}/${claim}` })
  }
  const waitForVolumes = (count: number): Promise<true> => {
    const describe = async (): Promise<string> => `${await volumesOfClass()} are there`
    return waitFor({ what: `${count} volumes of the class`, timeoutMs: 300_000, describe }, async () => {
      return (await volumesOfClass()) === count
    })
  }

  before(async () => {
    lab = await sharedLab()
    namespace = await createNamespace(lab)
    storageClass = await createClass(lab, { name: 'race', disks: { node1: ['a'], node2: ['a'] } })
    await waitForClass(lab, storageClass)
    await leaveFree(lab, storageClass, RACE.freeMib)
  })
  after(async () => {
    await deleteNamespace(lab, namespace)
    await removeClass(lab, storageClass)
  })

  it('fills both nodes with whole pods only, and gives the place of one that ends to another', async () => {
    await Promise.all(pods.map(startPod))
    const winners = await waitForPlaced(WINNERS)
    expect(winners).to.have.length(WINNERS)
    const losers = pods.filter((pod) => !winners.includes(pod))
    for (const pod of losers)
      await waitForEvent(lab, namespace, `${pod}-a`, /^(NoSpace|PodClaimsIncomplete|NoNodeHasRoom): /)
    for (const pod of losers) {
      const claims = await Promise.all(claimNames(pod).map((name) => findClaim(lab, namespace, name)))
      const volumes = claims.map((object) => object?.spec.volumeName)
      expect(volumes, pod).to.deep.equal([undefined, undefined, undefined])
    }
    for (const pod of winners) for (const name of claimNames(pod)) await waitForBound(lab, namespace, name)

    const [gone = ''] = winners
    await drop([gone])
    const now = await waitForPlaced(WINNERS)
    expect(now.filter((name) => !winners.includes(name))).to.have.length(1)

    await drop(pods.filter((pod) => pod !== gone))
    await waitForVolumes(0)
  })
}

// with LOAM_FAULTS=all: it takes ten minutes on two cores
if (isWholeSet) describe('agent/claim-siblings: a race of pods of three claims', raceOfPods)
