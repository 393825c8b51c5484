import { expect } from 'chai'
import { reportedBytes } from '../../../crd/report-sizes.ts'
import { MIB, reportOf } from '../scheduler/fixture.ts'

describe('crd/report-sizes', () => {
  it('reads sizes of the group, and 0 where there is none', () => {
    const report = reportOf('node1', '20Mi')
    expect(reportedBytes(report, 'largestVolume')).to.equal(20n * MIB)
    expect(reportedBytes(report, 'free')).to.equal(1024n * MIB)
    const { metadata, spec } = report
    expect(reportedBytes({ metadata, spec }, 'largestVolume')).to.equal(0n)
  })
})
