import { expect } from 'chai'
import { ClassKeeper } from '../../../agent/class-keeper.ts'
import type { Findings } from '../../../agent/class-on-node.ts'
import type { ClassReporter } from '../../../agent/class-reporter.ts'
import { silentLogger } from '../../../core/logger.ts'
import { viewClaim, type ClaimView } from '../../../kube/claim-view.ts'
import { viewClass, type ClassView } from '../../../kube/class-view.ts'
import type { KubeClient, ObjectStore, ResourceType } from '../../../kube/types.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { Frozen } from '../../../lvm/errors.ts'
import type { CreateVolumeRequest, Inventory, NodeVolumes, VolumeGroup } from '../../../lvm/types.ts'
import { failureOf } from '../../support/eventually.ts'

const identity = { nodeName: 'node1', clusterId: 'c', namespace: 'loam-system' }
const GROUP: VolumeGroup = {
  ...{ name: 'loam-fast', uuid: 'g', sizeBytes: 1n << 30n, freeBytes: 1n << 30n, extentSizeBytes: 4n << 20n },
  ...{ seqno: 1, tags: [], missingPhysicalVolumes: 0, physicalVolumes: [] },
}
const NOTHING: Inventory = { groups: [], volumes: [], unseen: [] }

const fast = viewClass({
  metadata: { name: 'fast', uid: 'u' },
  provisioner: 'loam.storage',
  parameters: { disks: JSON.stringify([{ nodes: ['node1'], disks: ['/dev/sda'] }]) },
})

/** A promise that somebody else ends. */
const held = <T>() => {
  let end: (value: T) => void = () => undefined
  const promise = new Promise<T>((resolve) => (end = resolve))
  return { promise, end }
}

/** The API server as far as a keeper asks it: one node, and at most one report. */
class Server {
  report: NodeLocalStorage | undefined
  readonly client = {
    get: (type: ResourceType) =>
      Promise.resolve(
        type.kind === 'Node' ? { metadata: { name: 'node1', uid: 'n', labels: {} } } : this.report,
      ),
    create: (_type: unknown, wanted: NodeLocalStorage) => {
      this.report = wanted
      return Promise.resolve(wanted)
    },
  } as unknown as KubeClient
}

describe('agent/class-keeper', () => {
  let server: Server
  let classes: Map<string, ClassView>
  let inventory: () => Promise<Inventory>
  let ensure: () => Promise<unknown>
  /** What the scheduler is offered, by class. */
  let told: Map<string, Findings>
  /** Claims by namespace and name. */
  let claims: Map<string, ClaimView>
  /** Classes whose numbers are to be told soon. */
  let changed: string[]
  let keeper: ClassKeeper
  /** The API server takes a report when this ends. */
  let telling: Promise<unknown>

  beforeEach(() => {
    if (fast === undefined) throw new Error('not a class of ours')
    server = new Server()
    classes = new Map([['fast', fast]])
    inventory = () => Promise.resolve(NOTHING)
    ensure = () => Promise.resolve({ group: undefined, disks: [], problem: undefined })
    told = new Map()
    telling = Promise.resolve()
    claims = new Map()
    const reporter: Pick<ClassReporter, 'tell' | 'withdraw'> = {
      tell: async (name, _when, find) => {
        const findings = await find()
        await telling
        if (findings !== undefined) told.set(name, findings)
      },
      withdraw: (name) => {
        told.delete(name)
        return Promise.resolve()
      },
    }
    const volumes = {
      inventory: () => inventory(),
      ensureGroup: () => ensure(),
      forgetGroup: () => undefined,
    } as unknown as NodeVolumes
    const events = { record: () => undefined, flush: () => Promise.resolve() }
    const ports = { client: server.client, volumes, events, log: silentLogger }
    const stores = {
      claims: { entries: () => claims.entries() } as unknown as ObjectStore<ClaimView>,
      classes: { get: (name: string) => classes.get(name) } as unknown as ObjectStore<ClassView>,
      reports: { entries: () => new Map().entries() } as unknown as ObjectStore<NodeLocalStorage>,
    }
    changed = []
    keeper = new ClassKeeper(ports, identity, stores, reporter as ClassReporter, (name) => changed.push(name))
  })

  const takeAway = (): void => {
    classes.delete('fast')
    server.report = undefined
  }

  it('offers nothing of a class that went while its numbers were read, then or later', async () => {
    await keeper.reconcile('fast')
    expect([...told.keys()]).to.deep.equal(['fast'])

    const slow = held<Inventory>()
    inventory = () => slow.promise
    const publishing = keeper.publish('fast', 'now')
    takeAway()
    await keeper.reconcile('fast')
    inventory = () => Promise.resolve(NOTHING)
    slow.end(NOTHING)
    await publishing
    await keeper.publish('fast', 'now')
    expect([...told.keys()]).to.deep.equal([])
    expect(await keeper.stateOf('fast')).to.equal(undefined)
  })

  it('offers nothing of a class that went while its disks were looked at for a claim', async () => {
    const looking = held<undefined>()
    const slow = held<unknown>()
    ensure = () => {
      looking.end(undefined)
      return slow.promise
    }
    const asked = keeper.stateOf('fast')
    await looking.promise
    takeAway()
    const looked = keeper.reconcile('fast')
    slow.end({ group: undefined, disks: [], problem: undefined })
    await Promise.all([asked, looked])
    expect([...told.keys()]).to.deep.equal([])
    expect(await keeper.stateOf('fast')).to.equal(undefined)
  })

  it('has no claim wait until what was found is told', async () => {
    const slow = held<undefined>()
    telling = slow.promise
    ensure = () => Promise.resolve({ group: GROUP, disks: [], problem: undefined })
    const reconciled = keeper.reconcile('fast')
    expect((await keeper.stateOf('fast'))?.group).to.equal(GROUP)
    expect([...told.keys()]).to.deep.equal([])
    slow.end(undefined)
    await reconciled
    expect([...told.keys()]).to.deep.equal(['fast'])
  })

  it('has a claim fail with what the look came to', async () => {
    const frozen = new Frozen('NotSeen', 'volume group "loam-fast"', 'not seen on its disks')
    ensure = () => Promise.reject(frozen)
    expect(await failureOf(keeper.stateOf('fast'), Frozen)).to.equal(frozen)
    expect((await keeper.stateOf('fast'))?.problem?.message, 'known from then on').to.equal(frozen.message)
  })

  describe('with claims that were given to this node', () => {
    const claim = (name: string, node = 'node1', accessMode = 'ReadWriteOnce'): ClaimView => {
      const view = viewClaim({
        metadata: {
          ...{ namespace: 'databases', name, uid: name, resourceVersion: '1' },
          annotations: {
            'volume.kubernetes.io/selected-node': node,
            'volume.kubernetes.io/storage-provisioner': 'loam.storage',
          },
        },
        spec: {
          storageClassName: 'fast',
          accessModes: [accessMode],
          resources: { requests: { storage: '10Mi' } },
        },
      })
      claims.set(`databases/${name}`, view)
      return view
    }
    const requestFor = (name: string) =>
      ({ name: `pvc-${name}`, groupUuid: GROUP.uuid }) as CreateVolumeRequest
    /** Names of the volumes whose room was taken off what was told. */
    const taken = async (): Promise<string[]> => {
      await keeper.publish('fast', 'now')
      return (told.get('fast')?.inventory.inCreation ?? []).map(({ name }) => name)
    }

    beforeEach(async () => {
      inventory = () => Promise.resolve({ ...NOTHING, groups: [GROUP] })
      ensure = () => Promise.resolve({ group: GROUP, disks: [], problem: undefined })
      await keeper.reconcile('fast')
    })

    it('counts their volumes as made, those of other nodes and of claims that nobody can serve not', async () => {
      claim('waits')
      claim('elsewhere', 'node2')
      claim('refused', 'node1', 'ReadWriteMany')
      expect(await taken()).to.deep.equal(['pvc-waits'])
    })

    it('counts a volume once that is being made', async () => {
      claim('begun')
      claim('waits')
      const inCreation = [requestFor('begun')]
      inventory = () => Promise.resolve({ ...NOTHING, groups: [GROUP], inCreation })
      expect(await taken()).to.deep.equal(['pvc-begun', 'pvc-waits'])
    })

    it('counts none that is about to be given back, until it comes again', async () => {
      const view = claim('back')
      keeper.setAside([view])
      expect(await taken()).to.deep.equal([])
      keeper.claimLeft(view)
      expect(await taken()).to.deep.equal(['pvc-back'])
    })

    it('tells the numbers soon when one comes and when it leaves', () => {
      const view = claim('data')
      keeper.claimCame(view)
      keeper.claimLeft(view)
      expect(changed).to.deep.equal(['fast', 'fast'])
    })
  })
})
