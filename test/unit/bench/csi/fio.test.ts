import { expect } from 'chai'
import { fioFigures, iopsOf } from '../../../bench/csi/fio.ts'

const report = (job: object): string => JSON.stringify({ 'fio version': 'fio-3.33', jobs: [job] })

describe('report of fio', () => {
  it('has operations a second, of reads or of writes', () => {
    expect(iopsOf(report({ error: 0, read: { iops: 2900.5 }, write: { iops: 0 } }))).to.equal(2900.5)
    expect(iopsOf(report({ error: 0, read: { iops: 0 }, write: { iops: 1000 } }))).to.equal(1000)
  })

  it('is not believed when the job failed or did nothing', () => {
    const failed = report({ error: 5, read: { iops: 1 }, write: { iops: 0 } })
    expect(() => iopsOf(failed)).to.throw('fio measured nothing, its error is 5')
    const nothing = report({ error: 0, read: { iops: 0 }, write: { iops: 0 } })
    expect(() => iopsOf(nothing)).to.throw('fio measured nothing')
    expect(() => iopsOf('{"jobs": []}')).to.throw('its error is not told')
  })
})

describe('figures of fio', () => {
  it('are medians of the ratios of pairs, for each content and workload', () => {
    const pairs = [
      { claim: 990, bare: 1000 },
      { claim: 500, bare: 1000 },
      { claim: 2020, bare: 2000 },
    ]
    const rounds = pairs.map((pair) => ({ content: 'block', workload: 'randread', pair }) as const)
    const figures = fioFigures(rounds)
    expect(figures.map(({ name }) => name)).to.deep.equal([
      ...[
        'csi/fio-ext4-randread',
        'csi/fio-ext4-randwrite',
        'csi/fio-block-randread',
        'csi/fio-block-randwrite',
      ],
    ])
    const [, , read] = figures
    expect(read?.ratio).to.equal(0.99)
    expect(read?.raw).to.deep.equal({ claimIops: 990, bareIops: 1000, worstRatio: 0.5, rounds: 3 })
  })
})
