import { expect } from 'chai'
import fc from 'fast-check'
import { describeBytes, formatQuantity, parseQuantity } from '../../../core/quantity.ts'

describe('core/quantity', () => {
  const table: [string, bigint | undefined][] = [
    ['0', 0n],
    ['1', 1n],
    ['10Gi', 10n * 1024n ** 3n],
    ['1.5G', 1_500_000_000n],
    ['1.5Gi', 1_610_612_736n],
    ['0.1', 1n],
    ['1500m', 2n],
    ['1e3', 1000n],
    ['1E3', 1000n],
    ['1E', 10n ** 18n],
    ['12e-1', 2n],
    ['9Ei', 9n * 1024n ** 6n],
    ['+5Ki', 5120n],
    ['5.', 5n],
    ['-1', undefined],
    ['', undefined],
    ['1 Gi', undefined],
    ['1gi', undefined],
    ['0x10', undefined],
    ['Gi', undefined],
    ['1e3Gi', undefined],
  ]
  for (const [text, bytes] of table) {
    it(`reads "${text}" as ${String(bytes)}`, () => expect(parseQuantity(text)).to.equal(bytes))
  }

  it('writes what it reads back to the same bytes', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 1n << 70n }),
        (bytes) => parseQuantity(formatQuantity(bytes)) === bytes,
      ),
    )
  })

  it('never rounds a fraction down', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 0, max: 999 }), (whole, thousandths) => {
        const text = `${whole}.${String(thousandths).padStart(3, '0')}Ki`
        const exactTimes1000 = (BigInt(whole) * 1000n + BigInt(thousandths)) * 1024n
        const bytes = parseQuantity(text) ?? -1n
        return bytes * 1000n >= exactTimes1000 && (bytes - 1n) * 1000n < exactTimes1000
      }),
    )
  })

  it('tells people a size that is never more than the truth', () => {
    expect(describeBytes(0n)).to.equal('0 B')
    expect(describeBytes(1023n)).to.equal('1023 B')
    expect(describeBytes(1024n ** 3n)).to.equal('1 GiB')
    expect(describeBytes(2n * 1024n ** 3n - 1n)).to.equal('1.9 GiB')
  })
})
