import { expect } from 'chai'
import type { ClassKeeper } from '../../../agent/class-keeper.ts'
import { Collector } from '../../../agent/collector.ts'
import { silentLogger } from '../../../core/logger.ts'
import type { VolumeRecord } from '../../../core/volume-tags.ts'
import type { KubeClient, KubeObject } from '../../../kube/types.ts'
import type { LogicalVolume, NodeVolumes } from '../../../lvm/types.ts'

const GRACE_MS = 1000

const orphan = (number: number, change: Partial<VolumeRecord> = {}): LogicalVolume => ({
  handle: { groupUuid: 'g', volumeUuid: `v${number}` },
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

/** Ten minutes and a lost etcd cannot be had from real parts on demand: the clock and the cluster are made here. */
describe('agent/collector', () => {
  let volumes: LogicalVolume[]
  let objects: Record<string, KubeObject>
  let removed: string[]
  let clock: number
  let collector: Collector

  beforeEach(() => {
    volumes = [orphan(1)]
    objects = {}
    removed = []
    clock = 0
    const client = { get: (_: unknown, { name }: { name: string }) => Promise.resolve(objects[name]) }
    const lvm = {
      inventory: () => Promise.resolve({ groups: [], volumes, unseen: [] }),
      removeVolume: (_: unknown, { name }: { name: string }) => Promise.resolve(void removed.push(name)),
    }
    const ports = {
      client: client as unknown as KubeClient,
      volumes: lvm as unknown as NodeVolumes,
      events: { record: () => undefined, flush: () => Promise.resolve() },
      log: silentLogger,
    }
    const keeper = { groupChanged: () => undefined } as unknown as ClassKeeper
    const identity = { nodeName: 'node1', clusterId: 'ours', namespace: 'loam-system' }
    collector = new Collector(ports, identity, keeper, GRACE_MS, () => clock)
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

  const kept: [string, () => void][] = [
    ['a PersistentVolume of its name', () => (objects['pvc-u1'] = claim('pv', ''))],
    ['its claim, which still selects this node', () => (objects['data-1'] = claim('u1', 'node1'))],
    ['a state other than new', () => (volumes = [orphan(1, { state: 'used' })])],
    ['another cluster', () => (volumes = [orphan(1, { clusterId: 'theirs' })])],
    ['tags that cannot be read', () => (volumes = [{ ...orphan(1), record: undefined }])],
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
})
