import fc from 'fast-check'
import type { ExtentRun, FreeDisk } from '../../../core/layout-size.ts'

/** Gaps between runs keep them apart, as between free runs of a real disk. */
const runs = fc.array(fc.tuple(fc.bigInt(1n, 50n), fc.bigInt(1n, 2000n)), { maxLength: 4 }).map((parts) => {
  let at = 0n
  return parts.map(([gap, count]): ExtentRun => {
    const first = at + gap
    at = first + count
    return { first, count }
  })
})

/** Up to so many disks with free space, or none. */
export const arbitraryDisks = (most: number): fc.Arbitrary<FreeDisk[]> =>
  fc
    .array(runs, { maxLength: most })
    .map((free) => free.map((freeRuns, index): FreeDisk => ({ path: `/dev/d${index}`, freeRuns })))
