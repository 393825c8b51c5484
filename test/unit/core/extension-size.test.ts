import { expect } from 'chai'

import {
  dataLegsOf,
  largestExtensionExtents,
  placeExtension,
  type VolumeShape,
} from '../../../core/extension-size.ts'
import type { FreeDisk } from '../../../core/layout-size.ts'

const disk = (path: string, ...runs: [first: bigint, count: bigint][]): FreeDisk => ({
  path,
  freeRuns: runs.map(([first, count]) => ({ first, count })),
})
const DISKS = [disk('a', [10n, 4n], [20n, 6n]), disk('b', [5n, 5n]), disk('c', [0n, 9n])]

describe('core/extension-size', () => {
  it('gives a linear volume all that is free, and leaves the places to LVM', () => {
    expect(largestExtensionExtents({ name: 'linear' }, DISKS)).to.equal(24n)
    expect(placeExtension({ name: 'linear' }, 24n, DISKS)).to.deep.equal([])
    expect(placeExtension({ name: 'linear' }, 25n, DISKS)).to.equal(undefined)
  })

  it('places the new part of a striped volume on the disks with most room, wherever the old one is', () => {
    const shape: VolumeShape = { name: 'striped', stripes: 2, stripeSizeBytes: 65536n }
    expect(largestExtensionExtents(shape, DISKS)).to.equal(18n)
    expect(placeExtension(shape, 18n, DISKS)?.map(({ path }) => path)).to.deep.equal(['a', 'c'])
  })

  it('grows each leg of a RAID volume on its own disk, in the shortest run that takes it', () => {
    const shape: VolumeShape = { name: 'raid5', legDisks: ['c', 'a', 'b'] }
    expect(dataLegsOf(shape)).to.equal(2n)
    expect(largestExtensionExtents(shape, DISKS)).to.equal(10n)
    expect(placeExtension(shape, 8n, DISKS)).to.deep.equal([
      { path: 'c', run: { first: 0n, count: 4n } },
      { path: 'a', run: { first: 10n, count: 4n } },
      { path: 'b', run: { first: 5n, count: 4n } },
    ])
    expect(placeExtension(shape, 12n, DISKS)).to.equal(undefined)
  })

  it('has no room for a RAID volume one of whose disks is full or closed', () => {
    const shape: VolumeShape = { name: 'raid1', legDisks: ['a', 'gone'] }
    expect(largestExtensionExtents(shape, DISKS)).to.equal(0n)
    expect(placeExtension(shape, 1n, DISKS)).to.equal(undefined)
  })

  const legs: [VolumeShape, bigint][] = [
    [{ name: 'raid1', legDisks: ['a', 'b', 'c'] }, 1n],
    [{ name: 'raid6', legDisks: ['a', 'b', 'c', 'd', 'e'] }, 3n],
    [{ name: 'raid10', legDisks: ['a', 'b', 'c', 'd'] }, 2n],
  ]
  for (const [shape, count] of legs)
    it(`${shape.name} grows by multiples of ${count}`, () => expect(dataLegsOf(shape)).to.equal(count))
})
