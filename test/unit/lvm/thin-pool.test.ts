import { expect } from 'chai'

import type { ThinLayout } from '../../../core/layout.ts'
import { groupTagsOf, poolTagsOf } from '../../../core/volume-tags.ts'
import type { GroupReport } from '../../../lvm/report.ts'
import { growthOf, newPoolFor, poolFault, thinRoomOf, type ThinPool } from '../../../lvm/thin-pool.ts'
import type { LogicalVolume } from '../../../lvm/types.ts'

const EXTENT = 4n << 20n
const LAYOUT: ThinLayout = { name: 'thin', pool: 'thinpool', overprovisionPermille: 2000n }
const volume = (name: string, extents: bigint, change: Partial<LogicalVolume>): LogicalVolume => ({
  ...{ handle: { groupUuid: 'g', volumeUuid: name }, groupName: 'loam-fast', name },
  ...{ sizeBytes: extents * EXTENT, tags: [], record: undefined, active: false, open: false },
  ...{ segmentType: 'thin', health: '', syncPercent: undefined },
  ...change,
})
const pool = (change: Partial<LogicalVolume> = {}): ThinPool => ({
  ...volume('thinpool', 10n, { segmentType: 'thin-pool', tags: poolTagsOf('c') }),
  ...change,
  pool: { metadataBytes: EXTENT, chunkBytes: 65536n, zeroes: true, ...change.pool },
})
const report = (...volumes: LogicalVolume[]): GroupReport => ({
  group: {
    ...{ name: 'loam-fast', uuid: 'g', sizeBytes: 100n * EXTENT, freeBytes: 30n * EXTENT },
    ...{ extentSizeBytes: EXTENT, seqno: 1, tags: groupTagsOf('c'), missingPhysicalVolumes: 0 },
    physicalVolumes: [
      {
        ...{ uuid: 'd', devicePath: '/dev/sda', sizeBytes: 100n * EXTENT, freeBytes: 30n * EXTENT },
        ...{ freeRuns: [{ first: 0n, count: 30n }], firstExtentAtBytes: 0n },
        ...{ missing: false, allocatable: true, tags: [] },
      },
    ],
  },
  volumes,
})

describe('lvm/thin-pool', () => {
  it('counts the volumes of its own pool only', () => {
    const mine = volume('a', 12n, { poolName: 'thinpool' })
    const others = [volume('b', 50n, { poolName: 'other' }), volume('c', 5n, { segmentType: 'linear' })]
    expect(thinRoomOf(report(pool(), mine, ...others), LAYOUT, [])?.pool).to.deep.equal({
      ...{ dataExtents: 10n, virtualExtents: 12n, describableExtents: 1024n },
    })
  })

  it('is to be made where there is none, with a spare of its own unless another pool brought one', () => {
    const made = { chunkBytes: 65536n, metadataExtents: 1n, describableExtents: 1024n }
    expect(newPoolFor(report())).to.deep.equal({ ...made, spareExtents: 1n })
    expect(newPoolFor(report(pool({ name: 'other' })))).to.deep.equal({ ...made, spareExtents: 0n })
  })

  const faults: [string, LogicalVolume, RegExp][] = [
    ['a volume of its name', volume('thinpool', 1n, { segmentType: 'linear' }), /taken by a linear volume/],
    ['a pool made by hand', pool({ tags: [] }), /not made by Loam/],
    ['a pool of another cluster', pool({ tags: poolTagsOf('x') }), /not made by Loam for this cluster/],
    [
      'a pool that does not zero',
      pool({ pool: { metadataBytes: EXTENT, chunkBytes: 65536n, zeroes: false } }),
      /does not zero/,
    ],
  ]
  for (const [what, found, why] of faults)
    it(`is never ${what}, and offers nothing then`, () => {
      expect(poolFault(report(found), LAYOUT)).to.match(why)
      expect(thinRoomOf(report(found), LAYOUT, [])).to.equal(undefined)
    })

  const use = { poolUuid: 'thinpool', dataPercent: 96, metadataPercent: 1, mode: 'rw' }
  const twice = volume('a', 20n, { poolName: 'thinpool' })

  it('offers nothing while it is too full', () => {
    expect(thinRoomOf(report(pool(), twice), LAYOUT, [use])).to.equal(undefined)
    expect(thinRoomOf(report(pool(), twice), LAYOUT, [{ ...use, dataPercent: 94 }])).not.to.equal(undefined)
  })

  it('grows by what the newest report says, and never one that is not ours or not well', () => {
    const old = pool({ sizeBytes: EXTENT })
    expect(growthOf(report(pool(), twice), old, use)).to.deep.equal({ dataExtents: 20n })
    expect(growthOf(report(pool({ tags: [] }), twice), old, use)).to.equal(undefined)
    expect(growthOf(report(pool(), twice), old, { ...use, mode: 'ro' })).to.equal(undefined)
    expect(growthOf(report(twice), old, use)).to.equal(undefined)
  })
})
