import fc from 'fast-check'
import { EXTENT_SIZE_BYTES, largestLinearVolumeBytes, roundUpToExtents } from '../../../core/layout.ts'

const size = fc.bigInt({ min: 0n, max: 1n << 62n })

describe('core/layout', () => {
  it('rounds a request up to whole extents, at least one, and by less than one', () => {
    fc.assert(
      fc.property(size, (bytes) => {
        const rounded = roundUpToExtents(bytes, EXTENT_SIZE_BYTES)
        return (
          rounded % EXTENT_SIZE_BYTES === 0n &&
          rounded >= bytes &&
          rounded > 0n &&
          (bytes === 0n || rounded - bytes < EXTENT_SIZE_BYTES)
        )
      }),
    )
  })

  it('offers no more than is free, and wastes less than an extent', () => {
    fc.assert(
      fc.property(size, (free) => {
        const largest = largestLinearVolumeBytes(free, EXTENT_SIZE_BYTES)
        return largest <= free && free - largest < EXTENT_SIZE_BYTES && largest % EXTENT_SIZE_BYTES === 0n
      }),
    )
  })
})
