import { expect } from 'chai'
import fc from 'fast-check'
import { roomOf } from '../../../agent/report-room.ts'
import type { ClassOnNode } from '../../../agent/class-on-node.ts'
import type { Layout } from '../../../core/layout.ts'
import { volumeExtents } from '../../../core/layout-size.ts'
import { planVolumes } from '../../../core/room.ts'
import { groupTagsOf, poolTagsOf } from '../../../core/volume-tags.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { NoSpace } from '../../../lvm/errors.ts'
import { requireRoomTogether } from '../../../lvm/room-together.ts'
import type { CreateVolumeRequest, Inventory, LogicalVolume, VolumeGroup } from '../../../lvm/types.ts'
import { reportedRoom } from '../../../scheduler/reported-room.ts'
import { reportOf } from '../scheduler/fixture.ts'
import { waiting } from '../scheduler/reckoned.ts'

const EXTENT = 1n << 20n
const THIN = { name: 'thin', pool: 'thinpool', overprovisionPermille: 2000n } as const
const LAYOUTS: readonly Layout[] = [
  { name: 'linear' },
  { name: 'striped', stripes: 2, stripeSizeBytes: 65536n },
  { name: 'raid1', mirrors: 1 },
  { name: 'raid5', stripes: 2, stripeSizeBytes: 65536n },
  THIN,
]

const volume = (name: string, extents: bigint, change: Partial<LogicalVolume> = {}): LogicalVolume => ({
  ...{ handle: { groupUuid: 'g', volumeUuid: name }, groupName: 'loam-fast', name },
  ...{ sizeBytes: extents * EXTENT, tags: [], record: undefined, active: false, open: false },
  ...{ segmentType: 'linear', health: '', syncPercent: undefined },
  ...change,
})
const pool = (extents: bigint): LogicalVolume =>
  volume('thinpool', extents, {
    ...{ segmentType: 'thin-pool', tags: poolTagsOf('c') },
    pool: { metadataBytes: 4n * EXTENT, chunkBytes: 65536n, zeroes: true },
  })
const groupOf = (disks: readonly (readonly number[])[]): VolumeGroup => ({
  ...{ name: 'loam-fast', uuid: 'g', sizeBytes: 4096n * EXTENT, freeBytes: 0n, seqno: 1 },
  ...{ extentSizeBytes: EXTENT, tags: groupTagsOf('c'), missingPhysicalVolumes: 0 },
  physicalVolumes: disks.map((runs, at) => ({
    ...{ uuid: `d${at}`, devicePath: `/dev/d${at}`, sizeBytes: 0n, freeBytes: 0n, firstExtentAtBytes: 0n },
    freeRuns: runs.map((count, index) => ({ first: BigInt(index) * 1000n, count: BigInt(count) })),
    ...{ missing: false, allocatable: true, tags: [] },
  })),
})
const request = (name: string, extents: number, layout: Layout): CreateVolumeRequest => ({
  ...{ groupName: 'loam-fast', groupUuid: 'g', name, layout },
  sizeBytes: volumeExtents(layout, BigInt(extents) * EXTENT, EXTENT) * EXTENT,
  record: {
    ...{ state: 'new', clusterId: 'c', claimUid: `uid-${name}`, claimNamespace: 'ns', claimName: name },
    ...{ storageClassName: 'fast', erase: 'zero', content: 'ext4' },
  },
})
const stateOf = (group: VolumeGroup, problem?: ClassOnNode['problem']): ClassOnNode => ({
  ...{ name: 'thin', nodeUid: 'n', generation: 1, disks: [], group, problem },
  storageClass: waiting('thin', { layout: 'thin', overprovisionRatio: '2' }),
})
const inventoryOf = (group: VolumeGroup, volumes: LogicalVolume[] = []): Inventory => ({
  ...{ groups: [group], volumes, unseen: [] },
})

/** As it comes to the scheduler process. */
const told = (group: VolumeGroup, inventory: Inventory) => {
  const { metadata, spec, status } = reportOf('node', '1Gi')
  const room = roomOf({ state: stateOf(group), inventory })
  const report = { metadata, spec, status: { ...status, ...(room === undefined ? {} : { room }) } }
  return reportedRoom(JSON.parse(JSON.stringify(report)) as NodeLocalStorage)
}

const fits = (work: () => void): boolean => {
  try {
    work()
    return true
  } catch (error) {
    if (error instanceof NoSpace) return false
    throw error
  }
}

describe('agent/report-room', () => {
  it('tells the scheduler process what it needs to come to the same answer as the node', () => {
    const run = fc.integer({ min: 1, max: 60 })
    fc.assert(
      fc.property(
        fc.array(fc.array(run, { maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.constantFrom(...LAYOUTS)), { maxLength: 5 }),
        (disks, poolExtents, wanted) => {
          const group = groupOf(disks)
          const volumes = poolExtents === undefined ? [] : [pool(BigInt(poolExtents))]
          const requests = wanted.map(([extents, layout], at) => request(`pvc-${at}`, extents, layout))
          const room = told(group, inventoryOf(group, volumes))
          const pools = new Map(room?.pool === undefined ? [] : [[THIN.pool, room.pool]])
          const plan = planVolumes(
            { disks: room?.disks ?? [], pools },
            requests.map(({ layout, sizeBytes }) => ({ layout, extents: sizeBytes / EXTENT })),
          )
          expect('left' in plan).to.equal(fits(() => requireRoomTogether({ group, volumes }, requests)))
        },
      ),
      {
        numRuns: 2000,
        // after the raid5 the pool begins in what is left in one piece, which depends on where runs lie
        examples: [
          [
            [[17, 6], [23], [1, 22], [24]],
            undefined,
            [
              [11, { name: 'striped', stripes: 2, stripeSizeBytes: 65536n }],
              [1, THIN],
              [11, { name: 'raid5', stripes: 2, stripeSizeBytes: 65536n }],
            ],
          ],
        ],
      },
    )
  })

  it('tells what is left after the volumes that are on their way, and whose they are', () => {
    const group = groupOf([[50], [30, 10]])
    const coming = request('pvc-1', 20, { name: 'linear' })
    const made = volume('pvc-2', 10n, { record: request('pvc-2', 10, { name: 'linear' }).record })
    const used = volume('pvc-3', 10n, { record: { ...coming.record, claimUid: 'used', state: 'used' } })
    const foreign = { ...coming, groupUuid: 'other' }
    const inventory = { ...inventoryOf(group, [made, used]), inCreation: [coming, foreign] }
    const state = { ...stateOf(group), storageClass: undefined }
    const room = { disks: [{ runs: [30] }, { runs: [30, 10] }] }
    const countedClaims = ['uid-pvc-1', 'uid-pvc-2']
    expect(roomOf({ state, inventory })).to.deep.equal({ ...room, countedClaims })
    const servedClaims = ['uid-pvc-2', 'used']
    expect(roomOf({ state, inventory, servedClaims })).to.deep.equal({
      ...room,
      countedClaims: [...countedClaims, 'used'],
    })
  })

  it('tells nothing while the group takes no new volumes', () => {
    const group = groupOf([[50]])
    const frozen = { reason: 'DisksMissing', message: '' }
    expect(roomOf({ state: stateOf(group, frozen), inventory: inventoryOf(group) })).to.equal(undefined)
  })

  it('keeps within the schema, however scattered the space is', () => {
    const group = groupOf([[200, ...Array.from({ length: 100 }, (_, at) => at + 1)]])
    const { runs } = roomOf({ state: stateOf(group), inventory: inventoryOf(group) })?.disks[0] ?? {
      runs: [],
    }
    expect(runs).to.deep.equal([200, ...Array.from({ length: 31 }, (_, at) => 70 + at)])
  })
})
