import { expect } from 'chai'
import { describeLayout, legsOf, type Layout } from '../../../core/layout.ts'

const stripeSizeBytes = 65536n

describe('core/layout', () => {
  const known: [Layout, string, number | undefined][] = [
    [{ name: 'linear' }, 'linear', undefined],
    [{ name: 'striped', stripes: 3, stripeSizeBytes }, 'striped over 3 disks', 3],
    [{ name: 'raid1', mirrors: 1 }, 'raid1 over 2 disks', 1],
    [{ name: 'raid5', stripes: 2, stripeSizeBytes }, 'raid5 over 3 disks', 2],
    [{ name: 'raid6', stripes: 3, stripeSizeBytes }, 'raid6 over 5 disks', 3],
    [{ name: 'raid10', stripes: 2, stripeSizeBytes }, 'raid10 over 4 disks', 2],
  ]
  for (const [layout, text, dataLegs] of known)
    it(`knows what ${text} takes`, () => {
      expect(describeLayout(layout)).to.equal(text)
      expect(legsOf(layout)?.dataLegs).to.equal(dataLegs)
    })
})
