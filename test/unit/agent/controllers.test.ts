import { expect } from 'chai'

import { readConfig } from '../../../agent/config.ts'
import { startControllers, type Controllers } from '../../../agent/controllers.ts'
import type { Stores } from '../../../agent/stores.ts'
import { silentLogger } from '../../../core/logger.ts'
import { VOLUME_FINALIZER } from '../../../core/naming.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { viewClass } from '../../../kube/class-view.ts'
import type { KubeClient, ResourceType } from '../../../kube/types.ts'
import type { NodeVolumes } from '../../../lvm/types.ts'
import { eventually } from '../../support/eventually.ts'

const REPORT = {
  metadata: { name: 'fast.node1', uid: 'r', resourceVersion: '1' },
  spec: { nodeName: 'node1', storageClassName: 'fast', volumeGroup: 'loam-fast', layout: 'linear' },
} as unknown as NodeLocalStorage

/** Its disks are on no node, so that a look is one question about this node. */
const FAST = viewClass({
  metadata: { name: 'fast', uid: 's' },
  provisioner: 'loam.storage',
  parameters: { volumeGroup: 'loam-fast', disks: '/dev/sda' },
  volumeBindingMode: 'WaitForFirstConsumer',
})

const HANDLE = { groupUuid: 'g', volumeUuid: 'v' }
const RELEASED = {
  ...{ name: 'pvc-1', uid: 'u', resourceVersion: '1', phase: 'Released', reclaimPolicy: 'Delete' },
  ...{ isBeingDeleted: true, finalizers: [VOLUME_FINALIZER], handle: HANDLE },
}

/** Only counts what is looked at and what is told: what comes of that is shown by the tests in a cluster. */
describe('agent/controllers', () => {
  let looks: number
  let looksAtStart: number
  let inventories: number
  let tries: number
  let volumeReads: number
  let checkSchedule = '*/10 * * * *'
  let controllers: Controllers

  const store = (...entries: [string, unknown][]) => ({
    entries: () => new Map(entries).entries(),
    get: (key: string) => new Map(entries).get(key),
    onChange: () => undefined,
  })
  /** Both stand still for longer than a burst is waited for. */
  const quiet = async (): Promise<void> => {
    await eventually('it is quiet', async () => {
      const before = [looks, inventories]
      await new Promise((resolve) => setTimeout(resolve, 500))
      return before[0] === looks && before[1] === inventories
    })
  }

  beforeEach(async () => {
    looks = 0
    inventories = 0
    tries = 0
    volumeReads = 0
    const get = (type: ResourceType): Promise<unknown> => {
      if (type.kind === 'Node') looks += 1
      if (type.kind === 'PersistentVolume') volumeReads += 1
      const found = { Node: { metadata: { uid: 'n' } }, NodeLocalStorage: REPORT }
      return Promise.resolve(found[type.kind as keyof typeof found])
    }
    const client = { get, patch: () => Promise.resolve(REPORT) } as unknown as KubeClient
    const inventory = () => {
      inventories += 1
      return Promise.resolve({ groups: [], volumes: [], unseen: [] })
    }
    const ports = {
      client,
      volumes: { inventory } as unknown as NodeVolumes,
      events: { record: () => undefined, flush: () => Promise.resolve() },
      log: silentLogger,
      lease: { requireHeld: () => undefined } as never,
      ownNode: {
        problem: () => undefined,
        tried: () => Promise.resolve(),
        look: () => {
          tries += 1
          return Promise.resolve(false)
        },
      },
    }
    const stores = {
      ...{ classes: store(['fast', FAST]), claims: store(), persistentVolumes: store(['pvc-1', RELEASED]) },
      reports: store(['fast.node1', REPORT]),
    } as unknown as Stores
    const names = {
      ...{ NODE_NAME: 'node1', POD_NAMESPACE: 'loam-system', POD_NAME: 'p', POD_UID: 'u' },
      LOAM_CHECK_SCHEDULE: checkSchedule,
    }
    const identity = { nodeName: 'node1', clusterId: 'c', namespace: 'loam-system' }
    controllers = startControllers(ports, identity, stores, readConfig(names))
    await eventually('the class is looked at', () => looks > 0)
    await quiet()
    looksAtStart = looks
    looks = 0
    inventories = 0
    volumeReads = 0
  })
  afterEach(() => controllers.stop())

  it('looks once at a class that has a report already when it starts', () => {
    expect(looksAtStart).to.equal(1)
  })

  it('tells the numbers of a group again when its metadata changed, once for a burst and without a look', async () => {
    for (let times = 0; times < 3; times += 1) controllers.groupChanged('loam-fast', 'metadata')
    await eventually('its numbers are read', () => inventories > 0)
    await quiet()
    expect([looks, inventories]).to.deep.equal([0, 1])
  })

  it('looks at the disks when they are others, once for a burst', async () => {
    for (let times = 0; times < 3; times += 1) controllers.groupChanged('loam-fast', 'disks')
    await eventually('its disks are looked at', () => looks > 0)
    await quiet()
    expect(looks).to.equal(1)
  })

  it('does nothing about a group that no class uses', async () => {
    controllers.groupChanged('another', 'disks')
    controllers.groupChanged('another', 'metadata')
    await quiet()
    expect([looks, inventories]).to.deep.equal([0, 0])
  })

  it('goes on with the removal of a volume as soon as kubelet lets go of it', async () => {
    controllers.volumeUnstaged({ groupUuid: 'g', volumeUuid: 'another' })
    await quiet()
    expect(volumeReads).to.equal(0)
    controllers.volumeUnstaged(HANDLE)
    await eventually('its PersistentVolume is read', () => volumeReads === 1)
  })

  describe('at every full check', () => {
    const { random } = Math

    before(() => {
      checkSchedule = '* * * * * *'
      // Otherwise an agent begins up to 20 s after the others.
      Math.random = () => 0
    })
    after(() => {
      Math.random = random
    })

    it('tries again whether the policies are enforced', async () => {
      await eventually('they are tried', () => tries > 1)
    })
  })
})
