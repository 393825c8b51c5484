import { expect } from 'chai'
import { sumOfMemory } from '../../../lab/runtime/memory.ts'

/** Fields 1 to 23 of /proc/PID/stat, of which the process group (5) and the size of the address space (23) matter. */
const stat = (pid: string, group: string, addressSpace: number): string =>
  `${pid} (a (b) c) S 1 ${group} ${'0 '.repeat(17)}${addressSpace} 77`

const report = (pid: string, group: string, addressSpace: number, kilobytes: number) => ({
  pid,
  stat: stat(pid, group, addressSpace),
  rollup: `00400000-7fff [rollup]\nRss: 999999 kB\nPss:            ${kilobytes} kB\nPss_Dirty: 5 kB\n`,
})

describe('memory of a lab', () => {
  it('is the sum of proportional set sizes', () => {
    expect(sumOfMemory([report('1', '1', 100, 10), report('2', '2', 100, 20)])).to.equal(30 * 1024)
  })

  it('counts an address space once that helpers share with their leader', () => {
    const reports = [report('1', '1', 100, 10), report('2', '1', 100, 11), report('3', '1', 50, 4)]
    expect(sumOfMemory(reports)).to.equal(14 * 1024)
  })

  it('takes a process that has ended for nothing', () => {
    expect(sumOfMemory([{ pid: '1', stat: '', rollup: '' }, report('2', '2', 100, 20)])).to.equal(20 * 1024)
  })
})
