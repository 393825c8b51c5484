import { expect } from 'chai'
import { cpuSecondsOf, ownCpuSeconds, secondsOfTimes } from '../../../bench/lvm/cpu-time.ts'

describe('CPU time', () => {
  it("is the sum of a shell's times and of its children's", () => {
    expect(secondsOfTimes('0m0.250s 0m0.500s\n1m2.000s 0m3.250s\n')).to.equal(66)
  })

  it('is read past a name with signs in it, children included', () => {
    const fields = ['S', ...Array.from({ length: 10 }, () => '7'), '100', '20', '3000', '400', '20', '0']
    expect(cpuSecondsOf(`12 (a b) c) ${fields.join(' ')}`)).to.equal(35.2)
  })

  it('is known of this process', async () => {
    const { user, system } = process.cpuUsage()
    expect(await ownCpuSeconds()).to.be.at.least(Math.floor((user + system) / 1e6) - 1)
  })
})
