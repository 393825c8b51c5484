import { expect } from 'chai'
import fc from 'fast-check'

import { endsOf, findPartitionTable, firstNonZero, samplesOf } from '../../../lvm/content.ts'
import { thrownBy } from './thrown.ts'
import { withFile } from './files.ts'

const MIB = 1n << 20n

describe('content of a device', () => {
  it('looks at the first and the last MiB', () => {
    expect(endsOf(10n * MIB)).to.deep.equal([
      { offset: 0n, length: MIB },
      { offset: 9n * MIB, length: MIB },
    ])
    expect(endsOf(MIB + 512n)).to.deep.equal([{ offset: 0n, length: MIB + 512n }])
  })

  it('takes samples that lie inside, whatever the size', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 1n << 44n }), (sectors) => {
        const sizeBytes = sectors * 512n
        for (const { offset, length } of samplesOf(sizeBytes)) {
          expect(offset >= 0n && length > 0n && offset + length <= sizeBytes).to.equal(true)
        }
      }),
    )
  })

  it('finds one byte at either end, and data in the middle', async () => {
    const sizeBytes = 64n * MIB
    await withFile(sizeBytes, async (path, write) => {
      const find = () => firstNonZero(path, samplesOf(sizeBytes))
      expect(await find()).to.equal(undefined)
      await write(Number(32n * MIB), Buffer.alloc(1 << 20, 1))
      expect(await find()).to.satisfy((at: bigint) => at >= 32n * MIB && at < 33n * MIB)
      await write(Number(sizeBytes) - 1, Buffer.from([1]))
      expect(await find()).to.equal(sizeBytes - 1n)
      await write(777, Buffer.from([1]))
      expect(await find()).to.equal(777n)
    })
  })

  it('fails beyond the end instead of finding zeros', async () => {
    await withFile(MIB, async (path) => {
      expect(await thrownBy(firstNonZero(path, endsOf(4n * MIB)))).to.be.instanceOf(Error)
    })
  })

  for (const sectorBytes of [512, 4096])
    it(`recognises tables by their own bytes, in sectors of ${sectorBytes}`, async () => {
      const sizeBytes = 4n * MIB
      await withFile(sizeBytes, async (path, write) => {
        const find = () => findPartitionTable(path, { sizeBytes, sectorBytes })
        expect(await find()).to.equal(undefined)
        await write(510, Buffer.from([0x55, 0xaa]))
        expect(await find()).to.equal('MBR')
        await write(Number(sizeBytes) - sectorBytes, Buffer.from('EFI PART'))
        expect(await find()).to.equal('backup GPT')
        await write(sectorBytes, Buffer.from('EFI PART'))
        expect(await find()).to.equal('GPT')
      })
    })
})
