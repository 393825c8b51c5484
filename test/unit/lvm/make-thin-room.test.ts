import { expect } from 'chai'

import { groupTagsOf, poolTagsOf, type VolumeRecord } from '../../../core/volume-tags.ts'
import { NoSpace } from '../../../lvm/errors.ts'
import { planThinVolume } from '../../../lvm/make-thin-room.ts'
import type { GroupReport } from '../../../lvm/report.ts'
import type { LogicalVolume, ThinPoolUse } from '../../../lvm/types.ts'

const EXTENT = 4n << 20n
const RECORD: VolumeRecord = {
  ...{ state: 'new', clusterId: 'c', claimUid: 'u', claimNamespace: 'ns', claimName: 'data' },
  ...{ storageClassName: 'fast', erase: 'zero', content: 'ext4' },
}
const requestOf = (extents: bigint) => ({
  ...{ groupName: 'loam-fast', groupUuid: 'g', name: 'pvc-u', sizeBytes: extents * EXTENT, record: RECORD },
  layout: { name: 'thin', pool: 'thinpool', overprovisionPermille: 2000n } as const,
})
const volume = (change: Partial<LogicalVolume>): LogicalVolume => ({
  ...{ handle: { groupUuid: 'g', volumeUuid: 'v' }, groupName: 'loam-fast', name: 'pvc-1', tags: [] },
  ...{ sizeBytes: 20n * EXTENT, record: undefined, active: false, open: false },
  ...{ segmentType: 'thin', health: '', syncPercent: undefined },
  ...change,
})
const pool = (tags: readonly string[]): LogicalVolume => ({
  ...volume({ name: 'thinpool', tags, sizeBytes: 10n * EXTENT, segmentType: 'thin-pool' }),
  handle: { groupUuid: 'g', volumeUuid: 'p' },
  pool: { metadataBytes: EXTENT, chunkBytes: 65536n, zeroes: true },
})
const report = (...volumes: LogicalVolume[]): GroupReport => ({
  group: {
    ...{ name: 'loam-fast', uuid: 'g', sizeBytes: 50n * EXTENT, freeBytes: 20n * EXTENT },
    ...{ extentSizeBytes: EXTENT, seqno: 1, tags: groupTagsOf('c'), missingPhysicalVolumes: 0 },
    physicalVolumes: [
      {
        ...{ uuid: 'd', devicePath: '/dev/sda', sizeBytes: 50n * EXTENT, freeBytes: 20n * EXTENT },
        ...{ freeRuns: [{ first: 30n, count: 20n }], firstExtentAtBytes: 0n },
        ...{ missing: false, allocatable: true, tags: [] },
      },
    ],
  },
  volumes,
})
const refusal = (given: GroupReport, extents: bigint, use: ThinPoolUse[] = []): NoSpace => {
  try {
    planThinVolume(given, requestOf(extents), use)
  } catch (error) {
    if (error instanceof NoSpace) return error
    throw error
  }
  throw new Error('not refused')
}

describe('lvm/make-thin-room', () => {
  it('plans a volume in whole extents, and refuses one that is too large with the numbers', () => {
    expect(planThinVolume(report(pool(poolTagsOf('c'))), requestOf(60n), [])).to.deep.equal({
      ...{ make: undefined, dataExtents: 30n, sizeBytes: 60n * EXTENT },
    })
    const { largestBytes, message } = refusal(report(pool(poolTagsOf('c'))), 61n)
    expect(largestBytes).to.equal(60n * EXTENT)
    expect(message).to.match(
      /thin in pool "thinpool", overprovisionRatio 2\), at most 240 MiB fits.*\/dev\/sda 80 MiB/,
    )
  })

  it('has no space in a pool that cannot be used, so that the claim is given to another node, and says why', () => {
    const { largestBytes, message } = refusal(report(pool([])), 1n)
    expect(largestBytes).to.equal(0n)
    expect(message).to.match(
      /"loam-fast\/thinpool" cannot be used: it was not made by Loam.*"thinPool" of the class/,
    )
  })

  it('has no space in a pool that is too full', () => {
    const thin = volume({ poolName: 'thinpool' })
    const use = [{ poolUuid: 'p', dataPercent: 97, metadataPercent: 5, mode: 'rw' }]
    expect(refusal(report(pool(poolTagsOf('c')), thin), 1n, use).message).to.match(
      /at most 0 B fits.*"loam-fast\/thinpool" is too full for another volume: add a disk to volume group "loam-fast"/,
    )
  })
})
