import { expect } from 'chai'
import { isWholeSet } from '../../faults/extent.ts'
import type { Lab } from '../../lab/lab.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import { createClaim, eventsIn, waitForBound } from '../support/claims.ts'
import { installExtender, type InstalledExtender } from '../support/extender.ts'
import { freeAgain, leaveFree, waitForFree } from '../support/leave-free.ts'
import { createNamespace, deleteNamespace } from '../support/namespace.ts'
import { createPod, waitForNodeOf, waitForRefusal, type PlacedPod } from '../support/pods.ts'
import { startSilentServer } from '../support/silent-server.ts'
import { SECOND_SCHEDULER, startSecondScheduler, type SecondScheduler } from '../support/second-scheduler.ts'
import { boundAfterMs, selectionsIn } from '../support/selections.ts'
import { sharedLab } from '../support/shared-lab.ts'
import { createClass, removeClass, waitForClass, type TestClass } from '../support/storage-class.ts'

/** Volumes of 8 MiB that fit on each node. */
const PLACES = isWholeSet ? { node1: 12, node2: 20, node3: 28 } : { node1: 1, node2: 2, node3: 3 }
const ALL_PLACES = Object.values(PLACES).reduce((sum, each) => sum + each, 0)
const TOO_MANY = isWholeSet ? 3 : 1

describe('scheduler: the extender', function () {
  this.timeout(1_800_000)
  let lab: Lab
  let namespace: string
  const namespaces: string[] = []
  let classes: readonly TestClass[] = []
  let extender: InstalledExtender
  let scheduler: SecondScheduler
  const [rooms, counted] = ['sums', 'bursts']

  const claim = (name: string, storageClass: string, size: string) =>
    createClaim(lab, { namespace, name, storageClass, size, volumeMode: 'Block' })
  const pod = (name: string, blockClaims: readonly string[]) =>
    createPod(lab, { namespace, name, blockClaims, schedulerName: SECOND_SCHEDULER })
  const podsNow = () => lab.api.list<PlacedPod>(`/api/v1/namespaces/${namespace}/pods`)
  const nodeOf = (name: string) => waitForNodeOf(lab, namespace, name)
  const useScheduler = async (extenders: readonly object[]): Promise<void> => {
    await scheduler.stop()
    scheduler = await startSecondScheduler(lab, extenders)
  }
  const classOf = (name: string): TestClass => {
    const found = classes.find((each) => each.name === name)
    if (found === undefined) throw new Error(`no class ${name}`)
    return found
  }
  /** Pods that all come at once, as many as there are places and some more. */
  const burst = async (): Promise<void> => {
    const names = Array.from({ length: ALL_PLACES + TOO_MANY }, (_, at) => `burst-${at}`)
    await Promise.all(names.map((name) => claim(name, counted, '8Mi')))
    const common = { namespace, schedulerName: SECOND_SCHEDULER, isNeverStarted: true }
    await Promise.all(names.map((name) => createPod(lab, { ...common, name, blockClaims: [name] })))
  }
  const placedByNode = async (): Promise<Readonly<Record<string, number>>> => {
    const placed: Record<string, number> = {}
    for (const { spec } of await podsNow())
      if (spec.nodeName !== undefined) placed[spec.nodeName] = (placed[spec.nodeName] ?? 0) + 1
    return placed
  }
  const waitForPlaced = (count: number): Promise<unknown> => {
    const describe = async (): Promise<string> => JSON.stringify(await placedByNode())
    return waitFor({ what: `${count} pods to have a node`, timeoutMs: 900_000, describe }, async () => {
      const placed = Object.values(await placedByNode()).reduce((sum, each) => sum + each, 0)
      return placed >= count
    })
  }
  /** What the agents said, each with the numbers of that moment. */
  const whyGivenBack = async (): Promise<string> => {
    const events = await eventsIn(lab, namespace)
    const given = events.filter(({ text }) => text.includes('asked the scheduler for another node'))
    return given.map(({ about, text }) => `${about}: ${text}`).join('\n')
  }
  /** All of a burst's claims go, and their volumes with them. */
  const endBurst = async (): Promise<void> => {
    await deleteNamespace(lab, namespace)
    namespaces.splice(namespaces.indexOf(namespace), 1)
    const extentsLeft = Object.fromEntries(Object.entries(PLACES).map(([node, places]) => [node, places * 8]))
    await waitForFree(lab, classOf(counted), extentsLeft)
  }

  before(async () => {
    lab = await sharedLab()
    const onAll = (letter: string) => ({ node1: [letter], node2: [letter], node3: [letter] })
    classes = [
      await createClass(lab, { name: rooms, disks: onAll('a') }),
      await createClass(lab, { name: counted, disks: onAll('b') }),
    ]
    for (const each of classes) await waitForClass(lab, each)
    extender = await installExtender(lab)
    scheduler = await startSecondScheduler(lab, [extender.config])
  })
  beforeEach(async () => {
    namespace = await createNamespace(lab)
    namespaces.push(namespace)
  })
  after(async () => {
    await scheduler.stop()
    for (const each of namespaces) await deleteNamespace(lab, each)
    for (const each of classes) await removeClass(lab, each)
    await extender.remove()
  })

  it('sends a pod with three claims of two classes where all fit, says of others what they lack, and where room comes', async () => {
    await leaveFree(lab, classOf(rooms), { node1: 64, node2: 64, node3: 128 })
    await claim('one', rooms, '40Mi')
    await claim('two', rooms, '40Mi')
    await claim('three', counted, '40Mi')
    await pod('sum', ['one', 'two', 'three'])
    expect(await nodeOf('sum')).to.equal('node3')
    for (const name of ['one', 'two', 'three']) await waitForBound(lab, namespace, name)
    expect(await selectionsIn(lab, namespace)).to.deep.equal({ writes: 3, removals: 0 })

    await claim('four', rooms, '40Mi')
    await claim('five', rooms, '40Mi')
    await pod('refused', ['four', 'five'])
    const lack = /has 64 MiB free in volume group "loam-sums" and 2 volumes of 80 MiB to make/
    expect(await waitForRefusal(lab, namespace, 'refused', lack)).to.include('has 48 MiB free')
    expect((await selectionsIn(lab, namespace)).writes, 'no node was tried').to.equal(3)

    // the only thing that happens: kube-scheduler asks once when it is told, or else minutes later
    await freeAgain(lab, classOf(rooms), 'node1')
    expect(await nodeOf('refused')).to.equal('node1')
  })

  it('fills nodes of unequal size to the last place by pods that come at once, and hardly a claim comes back', async () => {
    const freeMib = Object.fromEntries(Object.entries(PLACES).map(([node, places]) => [node, places * 8]))
    await leaveFree(lab, classOf(counted), freeMib)
    await burst()
    await waitForPlaced(ALL_PLACES)
    expect(await placedByNode()).to.deep.equal(PLACES)
    const { writes, removals } = await selectionsIn(lab, namespace)
    console.log(`      ${removals} of ${writes} selected nodes came back`)
    expect(removals, await whyGivenBack()).to.be.at.most(writes / 100)
    if (isWholeSet) await endBurst()
  })

  const goesOn = async (): Promise<void> => {
    await burst()
    await waitForPlaced(Math.ceil(ALL_PLACES / 4))
    await scheduler.restart()
    await waitForPlaced(Math.ceil(ALL_PLACES / 2))
    await extender.crash()
    await waitForPlaced(ALL_PLACES)
    expect(await placedByNode()).to.deep.equal(PLACES)
    await endBurst()
  }
  // with LOAM_FAULTS=all: each burst takes minutes
  if (isWholeSet) it('goes on when kube-scheduler and extender end in the middle', goesOn)

  const comparesWithout = async function (this: Mocha.Context): Promise<void> {
    await useScheduler([])
    await burst()
    await waitForPlaced(ALL_PLACES)
    const { writes, removals } = await selectionsIn(lab, namespace)
    // for people: which claims come back is chance
    if (this.test !== undefined) this.test.title += ` (${removals} of ${writes})`
    await endBurst()
    await useScheduler([extender.config])
  }
  if (isWholeSet) it('fills them without it, too, and claims come back', comparesWithout)

  it('is not waited for by pods when it cannot be reached, does not answer, or is not who it should be', async () => {
    const silent = await startSilentServer(lab)
    const { config } = extender
    const ways: Readonly<Record<string, object>> = {
      refused: { ...config, urlPrefix: `https://${silent.address}:1` },
      vanished: { ...config, urlPrefix: 'https://10.99.0.254:9443' },
      silent: { ...config, urlPrefix: silent.url },
      stranger: { ...config, tlsConfig: { ...config.tlsConfig, serverName: 'somebody.else.svc' } },
    }
    try {
      for (const [way, each] of Object.entries(ways)) {
        await useScheduler([{ ...each, httpTimeout: '250ms' }])
        await pod(way, [])
        await nodeOf(way)
        // the first has waited for kube-scheduler to know the cluster
        await pod(`${way}-again`, [])
        await nodeOf(`${way}-again`)
        console.log(`      ${way}: bound after ${await boundAfterMs(lab, namespace, `${way}-again`)} ms`)
      }
    } finally {
      await silent.stop()
      await useScheduler([config])
    }
  })
})
