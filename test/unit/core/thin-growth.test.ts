import { expect } from 'chai'
import fc from 'fast-check'
import { growthFor, isTooFull, wantsData, wantsMetadata } from '../../../core/thin-growth.ts'

const extentSizeBytes = 4n << 20n
const pool = {
  ...{ extentSizeBytes, dataExtents: 2000n, virtualExtents: 5000n },
  ...{ metadataExtents: 8n, freeExtents: 5000n },
}
const small = { ...pool, dataExtents: 100n, virtualExtents: 1000n }
const full = (dataPercent: number, metadataPercent = 10) => ({ dataPercent, metadataPercent })

describe('core/thin-growth', () => {
  const table: [string, Parameters<typeof growthFor>, ReturnType<typeof growthFor>][] = [
    ['stays below both thresholds', [pool, full(79, 74)], {}],
    ['grows data by a fifth from 80 %', [pool, full(80)], { dataExtents: 2400n }],
    ['grows a small one by a GiB', [small, full(80)], { dataExtents: 356n }],
    ['grows metadata by a quarter from 75 %', [pool, full(10, 75)], { metadataExtents: 11n }],
    ['grows both', [pool, full(100, 100)], { dataExtents: 2400n, metadataExtents: 11n }],
    ['takes what is left', [{ ...pool, freeExtents: 3n }, full(90)], { dataExtents: 2003n }],
    [
      'grows metadata first',
      [{ ...pool, freeExtents: 7n }, full(90, 90)],
      { dataExtents: 2001n, metadataExtents: 11n },
    ],
    ['leaves metadata without room for its spare', [{ ...pool, freeExtents: 5n }, full(10, 90)], {}],
    [
      'never grows beyond its volumes',
      [{ ...pool, virtualExtents: 2004n }, full(90)],
      { dataExtents: 2004n },
    ],
    ['never grows one that cannot run full', [{ ...pool, virtualExtents: 2000n }, full(100)], {}],
    ['cannot grow in a full group', [{ ...pool, freeExtents: 0n }, full(100, 100)], {}],
  ]
  for (const [what, [given, fullness], growth] of table)
    it(what, () => {
      expect(growthFor(given, fullness)).to.deep.equal(growth)
    })

  it('never takes more than is free, and never makes anything smaller', () => {
    const extents = fc.bigInt(0n, 10_000n)
    const percent = fc.nat(100)
    const given = fc.record({
      extentSizeBytes: fc.constant(extentSizeBytes),
      ...{ dataExtents: fc.bigInt(1n, 10_000n), virtualExtents: extents },
      ...{ metadataExtents: fc.bigInt(1n, 1000n), freeExtents: extents },
    })
    fc.assert(
      fc.property(given, percent, percent, (each, data, metadata) => {
        const growth = growthFor(each, full(data, metadata))
        const moreData = (growth.dataExtents ?? each.dataExtents) - each.dataExtents
        const moreMetadata = (growth.metadataExtents ?? each.metadataExtents) - each.metadataExtents
        return moreData >= 0n && moreMetadata >= 0n && moreData + 2n * moreMetadata <= each.freeExtents
      }),
    )
  })

  it('wants what is getting scarce, whether or not the group has it', () => {
    expect([wantsData(pool, full(80)), wantsData(pool, full(79))]).to.deep.equal([true, false])
    expect(wantsData({ ...pool, virtualExtents: 2000n }, full(100))).to.equal(false)
    expect([wantsMetadata(full(0, 75)), wantsMetadata(full(0, 74))]).to.deep.equal([true, false])
  })

  it('is too full for another volume from 95 % of either, unless its volumes cannot fill it', () => {
    expect([isTooFull(pool, full(95)), isTooFull(pool, full(94))]).to.deep.equal([true, false])
    expect(isTooFull({ ...pool, virtualExtents: 2000n }, full(100))).to.equal(false)
    expect(isTooFull({ ...pool, virtualExtents: 2000n }, full(0, 95))).to.equal(true)
  })
})
