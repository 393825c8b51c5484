import { expect } from 'chai'
import type { Layout } from '../../../core/layout.ts'
import { allFreeExtents } from '../../../core/layout-size.ts'
import { largestThinVolumeExtents } from '../../../core/thin-size.ts'
import { groupTagsOf, poolTagsOf } from '../../../core/volume-tags.ts'
import { afterCreations } from '../../../lvm/after-creations.ts'
import { freeDisksOf } from '../../../lvm/free-disks.ts'
import type { GroupReport } from '../../../lvm/report.ts'
import { thinRoomOf } from '../../../lvm/thin-pool.ts'
import type { CreateVolumeRequest, LogicalVolume } from '../../../lvm/types.ts'

const EXTENT = 4n << 20n
const LINEAR: Layout = { name: 'linear' }
const THIN = { name: 'thin', pool: 'thinpool', overprovisionPermille: 2000n } as const

const volume = (name: string, extents: bigint, change: Partial<LogicalVolume> = {}): LogicalVolume => ({
  ...{ handle: { groupUuid: 'g', volumeUuid: name }, groupName: 'loam-fast', name },
  ...{ sizeBytes: extents * EXTENT, tags: [], record: undefined, active: false, open: false },
  ...{ segmentType: 'linear', health: '', syncPercent: undefined },
  ...change,
})
const POOL = volume('thinpool', 10n, {
  ...{ segmentType: 'thin-pool', tags: poolTagsOf('c') },
  pool: { metadataBytes: EXTENT, chunkBytes: 65536n, zeroes: true },
})

const report = (...volumes: LogicalVolume[]): GroupReport => ({
  volumes,
  group: {
    ...{ name: 'loam-fast', uuid: 'g', sizeBytes: 100n * EXTENT, freeBytes: 50n * EXTENT, seqno: 1 },
    ...{ extentSizeBytes: EXTENT, tags: groupTagsOf('c'), missingPhysicalVolumes: 0 },
    physicalVolumes: [30n, 20n].map((count, index) => ({
      ...{
        uuid: `d${index}`,
        devicePath: `/dev/d${index}`,
        sizeBytes: 50n * EXTENT,
        freeBytes: count * EXTENT,
      },
      ...{ freeRuns: [{ first: 0n, count }], firstExtentAtBytes: 0n },
      ...{ missing: false, allocatable: true, tags: [] },
    })),
  },
})

const request = (name: string, extents: bigint, layout: Layout = LINEAR): CreateVolumeRequest => ({
  ...{ groupName: 'loam-fast', groupUuid: 'g', name, sizeBytes: extents * EXTENT, layout },
  record: {
    ...{ state: 'new', clusterId: 'c', claimUid: name, claimNamespace: 'ns', claimName: name },
    ...{ storageClassName: 'fast', erase: 'zero', content: 'ext4' },
  },
})

const freeExtents = (now: GroupReport): bigint => allFreeExtents(freeDisksOf(now.group))
const after = (now: GroupReport, ...requests: CreateVolumeRequest[]): GroupReport =>
  afterCreations(now, requests, [])
const thinExtents = (now: GroupReport): bigint => {
  const room = thinRoomOf(now, THIN, [])
  return room === undefined ? 0n : largestThinVolumeExtents(THIN.overprovisionPermille, room)
}

describe('lvm/after-creations', () => {
  it('takes what the volumes will take, from the disks that their layout wants', () => {
    const raid1 = { name: 'raid1', mirrors: 1 } as const
    expect(freeExtents(after(report(), request('a', 7n), request('b', 8n)))).to.equal(35n)
    // a leg and its metadata on each
    expect(freeExtents(after(report(), request('a', 5n, raid1)))).to.equal(38n)
  })

  it('counts one that is there already once, and one of another group not at all', () => {
    expect(freeExtents(after(report(volume('a', 7n)), request('a', 7n)))).to.equal(50n)
    expect(freeExtents(after(report(), { ...request('a', 7n), groupUuid: 'other' }))).to.equal(50n)
  })

  it('counts one that does not fit as nothing: it will be refused', () => {
    expect(freeExtents(after(report(), request('a', 51n), request('b', 8n)))).to.equal(42n)
    expect(freeExtents(after(report(POOL), request('a', 300n, THIN)))).to.equal(50n)
  })

  it('counts a thin volume in its pool, and what the pool takes for it', () => {
    const now = report(POOL, volume('there', 12n, { segmentType: 'thin', poolName: 'thinpool' }))
    expect(thinExtents(now)).to.equal(60n * 2n - 12n)
    const then = after(now, request('a', 20n, THIN), request('b', 8n, THIN))
    expect(thinExtents(then)).to.equal(60n * 2n - 40n)
    // 40 extents promised twice over need 20, of which the pool has 10
    expect(freeExtents(then)).to.equal(40n)
  })

  it('offers no more than there is while a pool is made with its first volume', () => {
    const then = after(report(), request('a', 20n, THIN))
    // an extent of metadata, its spare, and 10 of data
    expect(freeExtents(then)).to.equal(38n)
    expect(thinExtents(then) <= 48n * 2n - 20n).to.equal(true)
  })
})
