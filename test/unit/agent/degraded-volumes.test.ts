import { expect } from 'chai'
import { degradedVolumes } from '../../../agent/degraded-volumes.ts'
import type { LogicalVolume } from '../../../lvm/types.ts'

const volume = (change: Partial<LogicalVolume>): LogicalVolume => ({
  ...{ handle: { groupUuid: 'g', volumeUuid: 'v' }, groupName: 'loam-fast', name: 'pvc-1' },
  ...{ sizeBytes: 4n << 20n, tags: [], record: undefined, active: true, open: true },
  ...{ segmentType: 'raid1', health: '', syncPercent: 100 },
  ...change,
})

describe('agent/degraded-volumes', () => {
  it('names none that is whole, or of which it cannot be known', () => {
    expect(degradedVolumes([volume({}), volume({ active: false, syncPercent: undefined })])).to.deep.equal([])
  })

  it('names what LVM finds wrong with a RAID volume, and how far one is in sync, in steps', () => {
    const found = degradedVolumes([
      volume({ health: 'partial' }),
      volume({ syncPercent: 59.9 }),
      volume({ segmentType: 'linear', health: 'partial' }),
    ])
    expect(found.map(({ why }) => why)).to.deep.equal(['partial', 'in sync to 50 %'])
    expect(found[0]?.name).to.equal('loam-fast/pvc-1')
  })
})
