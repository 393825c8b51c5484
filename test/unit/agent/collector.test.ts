import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import { Collector, type CollectorTools } from '../../../agent/collector.ts'
import { Turns } from '../../../agent/turns.ts'
import { OrphanEvents } from '../../../agent/orphan-events.ts'
import { silentLogger } from '../../../core/logger.ts'
import type { VolumeRecord } from '../../../core/volume-tags.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import type { EventRequest, KubeClient, KubeObject, ObjectStore } from '../../../kube/types.ts'
import type { LogicalVolume, NodeVolumes } from '../../../lvm/types.ts'

const GRACE_MS = 1000

const uuidOf = (number: number): string => `aaaaaa-0000-0000-0000-0000-0000-00000${number}`

const orphan = (number: number, change: Partial<VolumeRecord> = {}): LogicalVolume => ({
  handle: { groupUuid: 'g', volumeUuid: uuidOf(number) },
  groupName: 'loam-fast',
  name: `pvc-u${number}`,
  sizeBytes: 4n << 20n,
  tags: [],
  record: {
    state: 'new',
    clusterId: 'ours',
    claimUid: `u${number}`,
    claimNamespace: 'databases',
    claimName: `data-${number}`,
    storageClassName: 'fast',
    erase: 'zero',
    content: 'ext4',
    ...change,
  },
  active: false,
  open: false,
  segmentType: 'linear',
  health: '',
  syncPercent: undefined,
})

const report: NodeLocalStorage = {
  ...{ apiVersion: 'loam.storage/v1alpha1', kind: 'NodeLocalStorage' },
  metadata: { name: 'fast.node1', uid: 'report' },
  spec: {
    nodeName: 'node1',
    storageClassName: 'fast',
    volumeGroup: 'loam-fast',
    layout: 'linear',
    disks: [],
  },
}

/** Ten minutes and a lost etcd cannot be had from real parts on demand: the clock and the cluster are made here. */
describe('agent/collector', () => {
  let volumes: LogicalVolume[]
  let objects: Record<string, KubeObject>
  let removed: string[]
  let clock: number
  let collector: Collector
  let tools: CollectorTools
  let handles: Map<string, string[]>
  let events: EventRequest[]
  let fails: Set<string>
  /** Called when all PersistentVolumes are listed, the last thing of a look. */
  let onReferences: () => unknown

  beforeEach(() => {
    volumes = [orphan(1)]
    objects = {}
    removed = []
    clock = 0
    handles = new Map()
    events = []
    fails = new Set()
    onReferences = () => undefined
    const client = { get: (_: unknown, { name }: { name: string }) => Promise.resolve(objects[name]) }
    const lvm = {
      inventory: () => Promise.resolve({ groups: [], volumes, unseen: [] }),
      removeVolume: (_: unknown, expected: { name: string; neverUsed?: boolean }) => {
        expect(expected.neverUsed).to.equal(true)
        if (fails.has(expected.name)) return Promise.reject(new Error('busy'))
        return Promise.resolve(void removed.push(expected.name))
      },
    }
    const recorder = { record: (event: EventRequest) => events.push(event), flush: () => Promise.resolve() }
    const reports = new Map([['fast.node1', report]])
    tools = {
      ports: {
        client: client as unknown as KubeClient,
        volumes: lvm as unknown as NodeVolumes,
        events: recorder,
        log: silentLogger,
      },
      identity: { nodeName: 'node1', clusterId: 'ours', namespace: 'loam-system' },
      classes: { groupChanged: () => undefined },
      turns: new Turns(),
      references: {
        fresh: () => {
          onReferences()
          return Promise.resolve(handles)
        },
      },
      tell: new OrphanEvents(recorder, reports as unknown as ObjectStore<NodeLocalStorage>),
      config: { orphanGraceMs: GRACE_MS, orphanCollection: 'collect' },
      now: () => clock,
    }
    collector = new Collector(tools)
  })

  const collectAfterGrace = async (): Promise<void> => {
    await collector.collect()
    expect(removed).to.deep.equal([])
    clock += GRACE_MS
    await collector.collect()
  }
  const claim = (uid: string, node: string): KubeObject =>
    ({
      metadata: { uid, annotations: { 'volume.kubernetes.io/selected-node': node } },
      spec: {},
    }) as KubeObject

  const OURS = 'loam.storage'
  const handleOf = (number: number): string => `gggggg-0000-0000-0000-0000-0000-000000/${uuidOf(number)}`
  const persistentVolume = (driver: string, volumeHandle: string) => ({
    metadata: { name: 'pvc-u1', uid: 'pv' },
    spec: { capacity: { storage: '4Mi' }, csi: { driver, volumeHandle } },
  })

  it('removes a new volume that nobody wants, after its grace and not before', async () => {
    await collectAfterGrace()
    expect(removed).to.deep.equal(['pvc-u1'])
  })

  it('begins the grace anew when somebody wanted it meanwhile', async () => {
    await collector.collect()
    objects['data-1'] = claim('u1', 'node1')
    clock += GRACE_MS
    await collector.collect()
    objects = {}
    await collector.collect()
    expect(removed).to.deep.equal([])
  })

  it('leaves one alone whose claim came back after the look', async () => {
    await collector.collect()
    clock += GRACE_MS
    onReferences = () => (objects['data-1'] = claim('u1', 'node1'))
    await collector.collect()
    expect(removed).to.deep.equal([])
  })

  it('removes nothing in the turn of its claim, which may just get that volume', async () => {
    await collector.collect()
    clock += GRACE_MS
    const turn = Promise.withResolvers<undefined>()
    const held = tools.turns.run('u1', () => turn.promise)
    const collecting = collector.collect()
    await setImmediate()
    expect(removed).to.deep.equal([])
    turn.resolve(undefined)
    await Promise.all([held, collecting])
    expect(removed).to.deep.equal(['pvc-u1'])
  })

  const kept: [string, () => void][] = [
    ['a PersistentVolume of its name', () => (objects['pvc-u1'] = persistentVolume(OURS, handleOf(1)))],
    [
      'a PersistentVolume of its name whose handle is no good',
      () => (objects['pvc-u1'] = persistentVolume(OURS, 'v1')),
    ],
    [
      'a PersistentVolume of its name and another driver',
      () => (objects['pvc-u1'] = persistentVolume('other.storage', handleOf(2))),
    ],
    ['a PersistentVolume of another name', () => handles.set(uuidOf(1), ['restored'])],
    ['its claim, which still selects this node', () => (objects['data-1'] = claim('u1', 'node1'))],
    ['a state other than new', () => (volumes = [orphan(1, { state: 'used' })])],
    ['another cluster', () => (volumes = [orphan(1, { clusterId: 'theirs' })])],
    ['tags that cannot be read', () => (volumes = [{ ...orphan(1), record: undefined }])],
    ['a maker that is no claim', () => (volumes = [orphan(1, { madeBy: 'csi' })])],
    ['an open device', () => (volumes = [{ ...orphan(1), open: true }])],
    ['six at once', () => (volumes = [1, 2, 3, 4, 5, 6].map((number) => orphan(number)))],
  ]
  for (const [what, arrange] of kept) {
    it(`keeps a volume with ${what}`, async () => {
      arrange()
      await collectAfterGrace()
      expect(removed).to.deep.equal([])
    })
  }

  const gone: [string, KubeObject][] = [
    ['was made again under its name', claim('other', 'node1')],
    ['selects another node', claim('u1', 'node2')],
  ]
  for (const [what, object] of gone) {
    it(`removes the volume of a claim that ${what}`, async () => {
      objects['data-1'] = object
      await collectAfterGrace()
      expect(removed).to.deep.equal(['pvc-u1'])
    })
  }

  it('removes the volume of a claim that another node has answered with one of its own', async () => {
    objects['data-1'] = claim('u1', 'node2')
    objects['pvc-u1'] = persistentVolume(OURS, handleOf(2))
    await collectAfterGrace()
    expect(removed).to.deep.equal(['pvc-u1'])
  })

  it('counts those whose grace is not over, when it asks whether they are too many', async () => {
    await collector.collect()
    volumes = [1, 2, 3, 4, 5, 6].map((number) => orphan(number))
    clock += GRACE_MS
    await collector.collect()
    expect(removed).to.deep.equal([])
    expect([...collector.held.keys()]).to.deep.equal([uuidOf(1)])
  })

  it('says what it removed', async () => {
    await collectAfterGrace()
    expect(events.map(({ type, reason, regarding }) => [type, reason, regarding.name])).to.deep.equal([
      ['Normal', 'OrphanCollected', 'fast.node1'],
    ])
    expect(events[0]?.message).to.contain('"loam-fast/pvc-u1" (4 MiB)').and.contain('"databases/data-1"')
    expect(collector.counts).to.deep.equal({ found: 0, held: 0, collected: 1, failed: 0 })
  })

  it('removes the others when one cannot be removed, says so, and tries that one again', async () => {
    volumes = [orphan(1), orphan(2)]
    fails.add('pvc-u1')
    await collector.collect()
    clock += GRACE_MS
    const thrown = await collector.collect().catch((error: unknown) => (error as Error).message)
    expect(thrown).to.equal('busy')
    expect(removed).to.deep.equal(['pvc-u2'])
    expect(events.map(({ reason }) => reason)).to.deep.equal(['OrphanNotCollected', 'OrphanCollected'])
    expect(collector.counts).to.deep.include({ collected: 1, failed: 1 })
    fails.clear()
    volumes = [orphan(1)]
    await collector.collect()
    expect(removed).to.deep.equal(['pvc-u2', 'pvc-u1'])
  })

  it('asks a person when there are too many, with numbers and what to do', async () => {
    volumes = [1, 2, 3, 4, 5, 6, 7].map((number) => orphan(number))
    await collectAfterGrace()
    expect(removed).to.deep.equal([])
    expect(events.map(({ type, reason }) => [type, reason])).to.deep.equal([['Warning', 'OrphansHeld']])
    expect(events[0]?.message)
      .to.contain('7 logical volumes of volume group "loam-fast"')
      .and.contain('7 at once are more than 5')
      .and.contain('status.unclaimedVolumes has for each the command that removes it')
    expect(collector.counts).to.deep.include({ found: 7, held: 7 })
    volumes = [orphan(1), orphan(2)]
    await collector.collect()
    expect(removed, 'few enough again').to.deep.equal(['pvc-u1', 'pvc-u2'])
    expect(collector.held.size).to.equal(0)
  })

  it('removes nothing when it may only report, and lists what it would remove', async () => {
    collector = new Collector({ ...tools, config: { ...tools.config, orphanCollection: 'report' } })
    await collectAfterGrace()
    await collector.collect()
    expect(removed).to.deep.equal([])
    expect([...collector.held]).to.deep.equal([
      [uuidOf(1), 'none is removed, because LOAM_ORPHAN_COLLECTION of the agent is "report"'],
    ])
    expect(events[0]?.reason).to.equal('OrphansHeld')
  })
})
