import { expect } from 'chai'

import { tagsOf, type VolumeRecord } from '../../../core/volume-tags.ts'
import { isLinearBlank } from '../../../lvm/linear-content.ts'
import type { DiskRun } from '../../../lvm/metadata-text.ts'
import type { GroupReport } from '../../../lvm/report.ts'
import type { LogicalVolume, VolumeGroup } from '../../../lvm/types.ts'
import { Unused } from '../../../lvm/unused.ts'
import { withFile, type WriteAt } from './files.ts'
import { HEADS } from './metadata-headers.ts'

const MIB = 1024 * 1024
const EXTENT = 4 * MIB
const DATA_AT = 17 * MIB
const DISK = 'DFM4By-qv0U-CMhG-yYaD-Mk7N-liyg-5E5rEg'
/** Volume bytes 0 to 16 MiB, then those up to 24 MiB. */
const RUNS: readonly DiskRun[] = [
  { diskUuid: DISK, first: 10n, count: 4n },
  { diskUuid: DISK, first: 2n, count: 2n },
]
const RECORD: VolumeRecord = {
  ...{ state: 'new', clusterId: 'c1', claimUid: 'u1', claimNamespace: 'ns', claimName: 'data' },
  ...{ storageClassName: 'fast', erase: 'zero', content: 'ext4' },
}
const HANDLE = { groupUuid: 'group', volumeUuid: 'volume' }

describe('lvm/linear-content', () => {
  const look = async (
    arrange: (write: WriteAt) => Promise<void>,
    runs: readonly DiskRun[] = RUNS,
  ): Promise<boolean | undefined> => {
    let isBlank: boolean | undefined
    await withFile(1n << 30n, async (devicePath, write) => {
      await write(0, HEADS.one)
      await arrange(write)
      const disk = { uuid: DISK, devicePath, firstExtentAtBytes: BigInt(DATA_AT) }
      const group = { extentSizeBytes: BigInt(EXTENT), missingPhysicalVolumes: 0, physicalVolumes: [disk] }
      const volume = { handle: HANDLE, groupName: 'g', name: 'v', sizeBytes: 6n * BigInt(EXTENT) }
      const report: GroupReport = {
        group: group as unknown as VolumeGroup,
        volumes: [
          { ...volume, tags: tagsOf(RECORD), record: RECORD, open: false } as unknown as LogicalVolume,
        ],
        linearRuns: new Map(runs.length === 0 ? [] : [[HANDLE.volumeUuid, runs]]),
      }
      const expected = { name: 'v', claimUid: 'u1', erase: 'zero' } as const
      isBlank = await isLinearBlank(await Unused.prove(report, HANDLE.volumeUuid, expected), report)
    })
    return isBlank
  }
  const byteAt = (at: number) => (write: WriteAt) => write(DATA_AT + at, Buffer.from([1]))

  it('is blank when only what lies around it is not', async () => {
    expect(
      await look(async (write) => {
        for (const at of [2 * EXTENT - 1, 4 * EXTENT, 10 * EXTENT - 1, 14 * EXTENT]) await byteAt(at)(write)
      }),
    ).to.equal(true)
  })

  const inside: Record<string, number> = {
    'its first byte': 10 * EXTENT,
    'the third MiB': 10 * EXTENT + 2 * MIB + 17,
    'the last byte of the first 4 MiB': 11 * EXTENT - 1,
    'the first byte of the last 4 MiB': 3 * EXTENT,
    'its last byte': 4 * EXTENT - 1,
  }
  for (const [what, at] of Object.entries(inside))
    it(`is not blank with anything in ${what}`, async () => {
      expect(await look(byteAt(at))).to.equal(false)
    })

  it('is not blank with data in its middle, in either part of it', async () => {
    for (const at of [12 * EXTENT, 2 * EXTENT])
      expect(await look((write) => write(DATA_AT + at, Buffer.alloc(MIB, 'left behind')))).to.equal(false)
  })

  it('cannot tell where it lies without a reading of the disks, nor on another disk or one that ends before', async () => {
    const nothing = () => Promise.resolve()
    expect(await look(nothing)).to.equal(true)
    expect(await look(nothing, [])).to.equal(undefined)
    expect(await look((write) => write(512, Buffer.alloc(512)))).to.equal(undefined)
    expect(await look(nothing, [{ diskUuid: DISK, first: 1000n, count: 6n }])).to.equal(undefined)
  })
})
