import { expect } from 'chai'

import { CommandFailed, OutcomeUnknown } from '../../../lvm/errors.ts'
import { confirmLegsApart, isRaid, parseLegs } from '../../../lvm/raid-legs.ts'
import type { LogicalVolume } from '../../../lvm/types.ts'

const volume: LogicalVolume = {
  ...{ handle: { groupUuid: 'g', volumeUuid: 'v' }, groupName: 'loam-fast', name: 'pvc-1' },
  ...{ sizeBytes: 20n << 20n, tags: [], record: undefined, active: false, open: false },
  ...{ segmentType: 'raid1', health: '', syncPercent: undefined },
}
const report = (...rows: [name: string, ranges: string][]): string =>
  JSON.stringify({
    report: [{ lv: rows.map(([name, ranges]) => ({ lv_name: name, seg_pe_ranges: ranges })) }],
  })

/** As LVM 2.03.16 wrote it for a volume over disks with holes. */
const REAL = report(
  ['[pvc-1_rimage_0]', '/dev/loop0:1-1'],
  ['[pvc-1_rimage_0]', '/dev/loop0:6-7'],
  ['[pvc-1_rimage_1]', '/dev/loop1:3-3'],
  ['[pvc-1_rimage_1]', '/dev/loop1:6-7'],
  ['[pvc-1_rmeta_0]', '/dev/loop0:0-0'],
  ['[pvc-1_rmeta_1]', '/dev/loop1:2-2'],
)

describe('RAID legs', () => {
  it('are read with all their runs, images apart from metadata', () => {
    const { images, metadata } = parseLegs(REAL)
    expect(images).to.deep.equal([
      [
        { devicePath: '/dev/loop0', first: 1n, count: 1n },
        { devicePath: '/dev/loop0', first: 6n, count: 2n },
      ],
      [
        { devicePath: '/dev/loop1', first: 3n, count: 1n },
        { devicePath: '/dev/loop1', first: 6n, count: 2n },
      ],
    ])
    expect(metadata.flat().map(({ first }) => first)).to.deep.equal([0n, 2n])
  })

  const garbage: [string, string][] = [
    ['no report', ''],
    ['another hidden volume', report(['[pvc-1_tmeta]', '/dev/loop0:1-1'])],
    ['a leg made of another volume', report(['[pvc-1_rimage_0]', 'pvc-1_other:1-1'])],
    ['a run without an end', report(['[pvc-1_rimage_0]', '/dev/loop0:1'])],
    ['a leg on a disk that is away', report(['[pvc-1_rimage_0]', '[unknown]:1-1'])],
  ]
  for (const [what, text] of garbage)
    it(`are not guessed at: ${what}`, () => {
      expect(() => parseLegs(text)).to.throw(CommandFailed)
    })

  it('must lie on a disk each, as many as there are to be', () => {
    confirmLegsApart(volume, parseLegs(REAL), 2)
    const together = report(['[pvc-1_rimage_0]', '/dev/loop0:1-1'], ['[pvc-1_rimage_1]', '/dev/loop0:2-2'])
    const torn = report(
      ['[pvc-1_rimage_0]', '/dev/loop0:1-1 /dev/loop1:1-1'],
      ['[pvc-1_rimage_1]', '/dev/loop2:2-2'],
    )
    for (const [text, count] of [
      [together, 2],
      [torn, 2],
      [REAL, 3],
      [report(), 2],
    ] as const)
      expect(() => confirmLegsApart(volume, parseLegs(text), count)).to.throw(OutcomeUnknown)
  })

  it('are what RAID volumes have, and no others', () => {
    expect(
      ['raid1', 'raid5', 'raid6', 'raid10'].every((segmentType) => isRaid({ ...volume, segmentType })),
    ).to.equal(true)
    expect(['linear', 'striped', 'thin'].some((segmentType) => isRaid({ ...volume, segmentType }))).to.equal(
      false,
    )
  })
})
