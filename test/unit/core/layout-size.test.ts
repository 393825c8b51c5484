import { expect } from 'chai'
import fc from 'fast-check'
import { legsOf, type PlacedLayout } from '../../../core/layout.ts'
import {
  largestVolumeExtents,
  placeVolume,
  usableExtents,
  volumeExtents,
  withoutExtents,
  withoutVolume,
  type ExtentRun,
  type FreeDisk,
} from '../../../core/layout-size.ts'
import { arbitraryDisks } from './arbitrary-disks.ts'

const EXTENT = 4n << 20n
const stripeSizeBytes = 65536n
const LAYOUTS: readonly PlacedLayout[] = [
  { name: 'linear' },
  { name: 'striped', stripes: 2, stripeSizeBytes },
  { name: 'striped', stripes: 3, stripeSizeBytes },
  { name: 'raid1', mirrors: 1 },
  { name: 'raid1', mirrors: 2 },
  { name: 'raid5', stripes: 2, stripeSizeBytes },
  { name: 'raid6', stripes: 3, stripeSizeBytes },
  { name: 'raid10', stripes: 2, stripeSizeBytes },
]
const layout = fc.constantFrom(...LAYOUTS)
const disks = arbitraryDisks(8)
const free = (...extents: bigint[]): FreeDisk[] =>
  extents.map((count, index) => ({ path: `/dev/d${index}`, freeRuns: [{ first: 0n, count }] }))
const total = ({ freeRuns }: FreeDisk): bigint => freeRuns.reduce((sum, { count }) => sum + count, 0n)
const contains = (disk: FreeDisk | undefined, { first, count }: ExtentRun): boolean =>
  disk?.freeRuns.some((run) => run.first <= first && first + count <= run.first + run.count) ?? false

describe('core/layout-size', () => {
  it('rounds a request up to whole extents and whole stripes, by less than one stripe of extents', () => {
    fc.assert(
      fc.property(layout, fc.bigInt({ min: 0n, max: 1n << 62n }), (wanted, bytes) => {
        const dataLegs = BigInt(legsOf(wanted)?.dataLegs ?? 1)
        const extents = volumeExtents(wanted, bytes, EXTENT)
        const isRounded = extents > 0n && extents % dataLegs === 0n && extents * EXTENT >= bytes
        return isRounded && (bytes === 0n || (extents - dataLegs) * EXTENT < bytes)
      }),
    )
  })

  it('places the largest volume, each leg on a disk of its own with room for it, and nothing larger', () => {
    fc.assert(
      fc.property(layout, disks, (wanted, given) => {
        const largest = largestVolumeExtents(wanted, given)
        const legs = legsOf(wanted)
        if (placeVolume(wanted, largest + 1n, given) !== undefined) return false
        if (legs === undefined || largest === 0n) return true
        const placed = placeVolume(wanted, largest, given) ?? []
        const perLeg = largest / BigInt(legs.dataLegs) + legs.metadataExtents
        const isRoomy = placed.every(({ path, run }) => {
          const disk = given.find((candidate) => candidate.path === path)
          if (legs.inOneRun) return run?.count === perLeg && contains(disk, run)
          return run === undefined && disk !== undefined && total(disk) >= perLeg
        })
        return new Set(placed.map(({ path }) => path)).size === legs.count && isRoomy
      }),
    )
  })

  it('calls usable what one volume after the other can have, never more than is free', () => {
    fc.assert(
      fc.property(layout, disks, (wanted, given) => {
        const usable = usableExtents(wanted, given)
        const everything = given.reduce((sum, disk) => sum + total(disk), 0n)
        return usable >= largestVolumeExtents(wanted, given) && usable <= everything
      }),
    )
  })

  it('counts the metadata that LVM keeps on each leg of a RAID volume', () => {
    const [striped, raid1, raid5] = [LAYOUTS[1], LAYOUTS[3], LAYOUTS[5]] as [
      PlacedLayout,
      PlacedLayout,
      PlacedLayout,
    ]
    expect(largestVolumeExtents(striped, free(10n, 7n))).to.equal(14n)
    expect(largestVolumeExtents(raid1, free(10n, 7n))).to.equal(6n)
    expect(largestVolumeExtents(raid5, free(10n, 7n, 9n))).to.equal(12n)
    expect(usableExtents(raid1, free(10n, 7n, 3n))).to.equal(8n)
  })

  it('keeps a leg of a RAID volume in one run, and takes the shortest that is long enough', () => {
    const [striped, raid1] = [LAYOUTS[1], LAYOUTS[3]] as [PlacedLayout, PlacedLayout]
    const holes = ['/dev/a', '/dev/b'].map((path) => ({
      path,
      freeRuns: [
        { first: 0n, count: 9n },
        { first: 20n, count: 5n },
        { first: 30n, count: 3n },
      ],
    }))
    expect(largestVolumeExtents(striped, holes)).to.equal(34n)
    expect(largestVolumeExtents(raid1, holes)).to.equal(8n)
    expect(placeVolume(raid1, 3n, holes)).to.deep.equal([
      { path: '/dev/a', run: { first: 20n, count: 4n } },
      { path: '/dev/b', run: { first: 20n, count: 4n } },
    ])
  })

  it('has no room where there are fewer disks than legs, or none with more than metadata', () => {
    const raid1: PlacedLayout = { name: 'raid1', mirrors: 1 }
    expect(largestVolumeExtents(raid1, free(100n))).to.equal(0n)
    expect(largestVolumeExtents(raid1, free(100n, 1n))).to.equal(0n)
  })

  it('leaves what a volume does not take: its data, copies, parity and metadata are gone from the free extents', () => {
    const sum = (given: readonly FreeDisk[]): bigint => given.reduce((all, disk) => all + total(disk), 0n)
    fc.assert(
      fc.property(layout, disks, fc.bigInt({ min: 1n, max: 200n }), (wanted, given, units) => {
        const legs = legsOf(wanted)
        const extents = units * BigInt(legs?.dataLegs ?? 1)
        const left = withoutVolume(wanted, extents, given)
        if (left === undefined) return extents > largestVolumeExtents(wanted, given)
        const taken = legs === undefined ? extents : (units + legs.metadataExtents) * BigInt(legs.count)
        return sum(left) === sum(given) - taken
      }),
    )
  })

  it('takes extents from anywhere, and no more than there are', () => {
    expect(withoutExtents(free(5n, 5n), 7n).map(total)).to.deep.equal([0n, 3n])
    expect(withoutExtents(free(5n), 7n).map(total)).to.deep.equal([0n])
  })
})
