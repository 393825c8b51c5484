import { expect } from 'chai'
import { cpuMsEach } from '../../../bench/provision/cpu-shares.ts'

describe('bench/provision/cpu-shares', () => {
  it('tells what each program took for each claim, also one that had not begun before', () => {
    expect(cpuMsEach({ agent: 1, etcd: 2 }, { agent: 3, etcd: 2, apiserver: 1 }, 100)).to.deep.equal({
      ...{ agentCpuMs: 20, etcdCpuMs: 0, apiserverCpuMs: 10 },
    })
  })
})
