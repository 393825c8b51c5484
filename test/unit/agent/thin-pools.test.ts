import { expect } from 'chai'
import { thinPoolProblem, thinPoolStatuses } from '../../../agent/thin-pools.ts'
import { poolTagsOf } from '../../../core/volume-tags.ts'
import type { GroupReport } from '../../../lvm/report.ts'
import type { LogicalVolume, ThinPoolUse } from '../../../lvm/types.ts'

const EXTENT = 4n << 20n
const volume = (name: string, extents: bigint, change: Partial<LogicalVolume>): LogicalVolume => ({
  ...{ handle: { groupUuid: 'g', volumeUuid: name }, groupName: 'loam-fast', name },
  ...{ sizeBytes: extents * EXTENT, tags: [], record: undefined, active: false, open: false },
  ...{ segmentType: 'thin', health: '', syncPercent: undefined },
  ...change,
})
const shape = { metadataBytes: EXTENT, chunkBytes: 65536n, zeroes: true }
const pool = (extents: bigint) =>
  volume('thinpool', extents, { segmentType: 'thin-pool', tags: poolTagsOf('c'), pool: shape })
const thin = (name: string, extents: bigint) => volume(name, extents, { poolName: 'thinpool' })

const report = (freeExtents: bigint, ...volumes: LogicalVolume[]): GroupReport => ({
  group: {
    ...{ name: 'loam-fast', uuid: 'g', sizeBytes: 100n * EXTENT, freeBytes: freeExtents * EXTENT },
    ...{ extentSizeBytes: EXTENT, seqno: 1, tags: [], missingPhysicalVolumes: 0 },
    physicalVolumes: [
      {
        ...{ uuid: 'd', devicePath: '/dev/sda', sizeBytes: 100n * EXTENT, freeBytes: freeExtents * EXTENT },
        ...{
          freeRuns: freeExtents === 0n ? [] : [{ first: 0n, count: freeExtents }],
          firstExtentAtBytes: 0n,
        },
        ...{ missing: false, allocatable: true, tags: [] },
      },
    ],
  },
  volumes,
})
const use = (dataPercent: number, metadataPercent = 10, mode = 'rw'): ThinPoolUse[] => [
  { poolUuid: 'thinpool', dataPercent, metadataPercent, mode },
]

describe('agent/thin-pools', () => {
  const overprovisioned = [pool(10n), thin('a', 10n), thin('b', 15n)]

  it('shows what a pool has and what its volumes could take, and its use in steps while it is in use', () => {
    const common = { name: 'thinpool', size: '40Mi', metadataSize: '4Mi', volumes: 2, volumesSize: '100Mi' }
    expect(thinPoolStatuses(report(5n, ...overprovisioned), [])).to.deep.equal([common])
    expect(thinPoolStatuses(report(5n, ...overprovisioned), use(83, 12))).to.deep.equal([
      { ...common, dataPercent: 80, metadataPercent: 10 },
    ])
  })

  const cases: [string, GroupReport, ThinPoolUse[], string | undefined, RegExp][] = [
    ['a pool that nobody uses', report(0n, ...overprovisioned), [], undefined, /^$/],
    ['a pool below its threshold', report(0n, ...overprovisioned), use(79, 74), undefined, /^$/],
    ['a pool that will be enlarged', report(5n, ...overprovisioned), use(90, 80), undefined, /^$/],
    [
      'a full pool that its volumes cannot fill',
      report(0n, pool(10n), thin('a', 10n)),
      use(100),
      undefined,
      /^$/,
    ],
    [
      'a pool that cannot be enlarged',
      report(0n, ...overprovisioned),
      use(82),
      'ThinPoolNearFull',
      /"loam-fast\/thinpool" is full to 80 %.*add a disk/,
    ],
    [
      'a pool that was not enlarged in time',
      report(5n, ...overprovisioned),
      use(96),
      'ThinPoolNearFull',
      /full to 95 %.*wait for a minute/,
    ],
    [
      'metadata that cannot be enlarged with its spare',
      report(1n, pool(10n), thin('a', 10n)),
      use(10, 76),
      'ThinPoolMetadataNearFull',
      /metadata of thin pool .* is full to 75 %/,
    ],
    [
      'a pool that the kernel has given up',
      report(5n, ...overprovisioned),
      use(100, 100, 'Fail'),
      'ThinPoolFailed',
      /mode Fail.*lvconvert --repair loam-fast\/thinpool/,
    ],
    [
      'a pool that needs a check',
      report(5n, ...overprovisioned),
      use(1, 1, 'needs_check'),
      'ThinPoolFailed',
      /needs_check/,
    ],
  ]
  for (const [what, given, used, reason, message] of cases)
    it(`judges ${what}`, () => {
      const problem = thinPoolProblem(given, used)
      expect(problem?.reason).to.equal(reason)
      expect(problem?.message ?? '').to.match(message)
    })
})
