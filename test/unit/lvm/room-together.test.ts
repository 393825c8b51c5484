import { expect } from 'chai'
import fc from 'fast-check'
import type { PlacedLayout } from '../../../core/layout.ts'
import { withoutVolume, volumeExtents, type FreeDisk } from '../../../core/layout-size.ts'
import { groupTagsOf } from '../../../core/volume-tags.ts'
import { NoSpace } from '../../../lvm/errors.ts'
import { freeDisksOf } from '../../../lvm/free-disks.ts'
import type { GroupReport } from '../../../lvm/report.ts'
import { inPlanningOrder } from '../../../core/room.ts'
import { requireRoomTogether } from '../../../lvm/room-together.ts'
import type { CreateVolumeRequest, LogicalVolume } from '../../../lvm/types.ts'

const EXTENT = 4n << 20n
const THIN = { name: 'thin', pool: 'pool', overprovisionPermille: 1000n } as const
const RAID1: PlacedLayout = { name: 'raid1', mirrors: 1 }

const reportOf = (disks: readonly bigint[], volumes: readonly LogicalVolume[] = []): GroupReport => ({
  volumes,
  group: {
    ...{ name: 'loam-fast', uuid: 'g', seqno: 1, tags: groupTagsOf('c1'), missingPhysicalVolumes: 0 },
    ...{ sizeBytes: 1000n * EXTENT, freeBytes: 1000n * EXTENT, extentSizeBytes: EXTENT },
    physicalVolumes: disks.map((count, index) => ({
      ...{ uuid: `p${index}`, devicePath: `/dev/d${index}`, tags: [], missing: false, allocatable: true },
      ...{ sizeBytes: 1000n * EXTENT, freeBytes: count * EXTENT, firstExtentAtBytes: 0n },
      freeRuns: count === 0n ? [] : [{ first: 0n, count }],
    })),
  },
})

const request = (
  name: string,
  extents: bigint,
  layout: CreateVolumeRequest['layout'] = { name: 'linear' },
): CreateVolumeRequest => ({
  ...{ groupName: 'loam-fast', groupUuid: 'g', name, sizeBytes: extents * EXTENT, layout },
  record: {
    ...{ state: 'new', clusterId: 'c1', claimUid: name, claimNamespace: 'ns', claimName: name },
    ...{ storageClassName: 'fast', erase: 'zero', content: 'ext4' },
  },
})

const refusal = (report: GroupReport, ...requests: CreateVolumeRequest[]): NoSpace | undefined => {
  try {
    requireRoomTogether(report, requests)
    return undefined
  } catch (error) {
    if (error instanceof NoSpace) return error
    throw error
  }
}

describe('lvm/room-together', () => {
  it('takes linear volumes exactly when their sum fits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: 0n, max: 50n }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.bigInt({ min: 1n, max: 40n }), { minLength: 1, maxLength: 6 }),
        (disks, sizes) => {
          const sum = (values: readonly bigint[]): bigint =>
            values.reduce((total, value) => total + value, 0n)
          const refused = refusal(reportOf(disks), ...sizes.map((size, index) => request(`v${index}`, size)))
          return (refused === undefined) === sum(sizes) <= sum(disks)
        },
      ),
    )
  })

  it('takes what can be placed one after another, and nothing else', () => {
    const arbitraryLayout = fc.constantFrom<PlacedLayout>({ name: 'linear' }, RAID1, {
      name: 'striped',
      stripes: 2,
      stripeSizeBytes: 65536n,
    })
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: 0n, max: 30n }), { minLength: 2, maxLength: 4 }),
        fc.array(fc.tuple(arbitraryLayout, fc.bigInt({ min: 1n, max: 20n })), { minLength: 1, maxLength: 5 }),
        (sizes, wanted) => {
          const report = reportOf(sizes)
          const requests = wanted.map(([layout, extents], index) => request(`v${index}`, extents, layout))
          let disks: readonly FreeDisk[] | undefined = freeDisksOf(report.group)
          for (const { layout, sizeBytes } of inPlanningOrder(requests))
            if (layout.name !== 'thin' && disks !== undefined)
              disks = withoutVolume(layout, volumeExtents(layout, sizeBytes, EXTENT), disks)
          return (refusal(report, ...requests) === undefined) === (disks !== undefined)
        },
      ),
    )
  })

  it('says what was wanted beside what, and what is free', () => {
    const error = refusal(reportOf([25n]), request('a', 10n), request('b', 10n), request('c', 10n))
    expect(error?.message).to.equal(
      'logical volume "loam-fast/c": 40 MiB wanted beside 80 MiB for others of the same pod (41943040 bytes in whole ' +
        'extents, linear), at most 20 MiB fits (20971520 bytes); free on its disks: /dev/d0 100 MiB',
    )
    expect(error).to.include({ requestedBytes: 10n * EXTENT, largestBytes: 5n * EXTENT })
  })

  it('counts volumes that are there already as nothing', () => {
    const there = { name: 'a', handle: { groupUuid: 'g', volumeUuid: 'v' } } as unknown as LogicalVolume
    expect(refusal(reportOf([10n], [there]), request('a', 8n), request('b', 10n))).to.equal(undefined)
    expect(refusal(reportOf([10n], [there]), request('a', 8n), request('b', 11n))?.message).to.include('/b"')
  })

  it('gives legs their disks before linear volumes take them', () => {
    expect(refusal(reportOf([11n, 20n]), request('l', 9n), request('r', 10n, RAID1))).to.equal(undefined)
    expect(refusal(reportOf([11n, 20n]), request('l', 10n), request('r', 10n, RAID1))).to.be.instanceOf(
      NoSpace,
    )
  })

  it('counts thin volumes of one pool together, and what their pool takes from the others', () => {
    const report = reportOf([100n])
    const alone = refusal(report, request('t', 90n, THIN))
    expect(alone).to.equal(undefined)
    expect(refusal(report, request('t', 50n, THIN), request('u', 50n, THIN))).to.be.instanceOf(NoSpace)
    expect(refusal(report, request('t', 40n, THIN), request('u', 40n, THIN))).to.equal(undefined)
    expect(refusal(report, request('t', 50n, THIN), request('l', 60n))).to.be.instanceOf(NoSpace)
    expect(refusal(report, request('t', 50n, THIN), request('l', 40n))).to.equal(undefined)
  })
})
