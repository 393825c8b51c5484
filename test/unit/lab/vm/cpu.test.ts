import { expect } from 'chai'
import { leastTaken, parseCpuList, weightOf } from '../../../lab/vm/cpu.ts'

describe('lab/vm/cpu', () => {
  it('reads a list of CPUs as proc(5) has it', () => {
    expect(parseCpuList('0\n')).to.deep.equal([0])
    expect(parseCpuList('0-1\n')).to.deep.equal([0, 1])
    expect(parseCpuList('2-4,7,9-10')).to.deep.equal([2, 3, 4, 7, 9, 10])
  })

  it('takes the CPU of which least is taken, and only one that is allowed', () => {
    const nodes = (...cpus: number[]) => cpus.map((cpu) => ({ cpu, weight: weightOf(false) }))
    expect(leastTaken([0, 1], [])).to.equal(0)
    expect(leastTaken([0, 1], nodes(0))).to.equal(1)
    expect(leastTaken([0, 1], nodes(0, 1, 1))).to.equal(0)
    expect(leastTaken([2, 3], nodes(0, 0, 1, 2))).to.equal(3)
  })

  it('leaves a VM that works all the time alone, and puts three that wait beside each other', () => {
    const taken = [{ cpu: 0, weight: weightOf(true) }]
    for (const node of ['one', 'two', 'three']) {
      const cpu = leastTaken([0, 1], taken)
      expect(cpu, node).to.equal(1)
      taken.push({ cpu, weight: weightOf(false) })
    }
    expect(leastTaken([0, 1], taken)).to.equal(0)
  })
})
