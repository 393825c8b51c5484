import { expect } from 'chai'
import { rollupBytes } from '../../../bench/provision/agent.ts'
import { burstFigures, togetherFigures } from '../../../bench/provision/bursts.ts'
import { idleFigures } from '../../../bench/provision/idle.ts'
import { memoryFigures } from '../../../bench/provision/memory.ts'
import { restartFigures } from '../../../bench/provision/restart.ts'
import { singleFigures } from '../../../bench/provision/single.ts'
import type { Figure } from '../../../bench/report.ts'

const ratios = (figures: readonly Figure[]): Readonly<Record<string, number>> =>
  Object.fromEntries(figures.map(({ name, ratio }) => [name.replace('provision/', ''), ratio]))

describe('figures of the bench of provisioning', () => {
  it('one claim: until it is acknowledged over lvcreate and POST; writes of a life', () => {
    const figures = singleFigures({
      ways: [{ selectedMs: 100, askedMs: 150, acknowledgedMs: 400 }],
      untoldMs: [-50, 150, 600],
      byHand: [{ lvcreateMs: 500, postMs: 100 }],
      lives: { claims: 2, writes: { 'create-persistentvolumes': 2, 'patch-leases': 1 } },
    })
    expect(ratios(figures)).to.deep.equal({
      ...{ acknowledged: 0.5, 'capacity-told': 0.5, 'writes-of-a-life-alone': 1.5 },
    })
  })

  it('claims at once: until the last is Bound over as many lvcreates', () => {
    const figures = togetherFigures({ claims: 30, boundMs: 9000, acknowledgedMs: 8000, lvcreateMs: 200 })
    expect(ratios(figures)).to.deep.equal({ together: 1.5 })
  })

  it('bursts: the first alone, all later ones together, and the writes of the first', () => {
    const bare = { volumes: 10, totalMs: 2000, curlMs: 500 }
    const createWrites = { 'create-persistentvolumes': 10 }
    const burst = { claims: 10, loamMs: 1000, bare, createWrites, cpuMs: { agentCpuMs: 20 } }
    const figures = burstFigures(
      {
        bursts: [burst, { ...burst, loamMs: 4000 }, { ...burst, loamMs: 4000 }],
        deleteWrites: { 'delete-persistentvolumes': 10, 'patch-persistentvolumes': 10 },
      },
      25,
    )
    expect(ratios(figures)).to.deep.equal({
      'writes-of-a-claim': 1,
      'writes-of-a-life': 3,
      'rate-10': 2,
      'rate-20': 0.5,
    })
    expect(figures[2]?.raw).to.include({ ratioWithOpenConnection: 1.75, agentCpuMs: 20 })
    expect(burstFigures({ bursts: [], deleteWrites: {} }, 25)).to.deep.equal([])
  })

  it('idle: writes of a minute, percent of a core', () => {
    const figures = idleFigures({
      seconds: 120,
      volumes: 30,
      cpuSeconds: 0.6,
      writes: { 'patch-leases': 7, 'patch-csistoragecapacities': 1 },
    })
    expect(ratios(figures)).to.deep.equal({ 'idle-writes': 4, 'idle-cpu': 0.5 })
  })

  it('restart: until a claim is served over the least that any process needs', () => {
    const figures = restartFigures({
      volumes: 500,
      servedMs: [3000, 1000, 2000],
      floorMs: [1000, 1000, 4000],
    })
    expect(ratios(figures)).to.deep.equal({ restart: 2 })
  })

  it("memory: over the idle process and over the peer's node", () => {
    const idle = { pssBytes: 50e6, anonymousBytes: 20e6 }
    const full = { pssBytes: 63e6, anonymousBytes: 30e6 }
    const figures = memoryFigures({ idle, full, volumes: 500, foreignClaims: 5000 })
    expect(ratios(figures)).to.deep.equal({ 'memory-growth': 1.26, memory: 0.6 })
  })

  it('memory is read of the summary of all mappings', () => {
    const rollup = 'Rss:   900 kB\nPss:   12 kB\nPss_Anon:   3 kB\n'
    expect(rollupBytes(rollup, 'Pss')).to.equal(12 * 1024)
    expect(rollupBytes(rollup, 'Pss_Anon')).to.equal(3 * 1024)
    expect(rollupBytes(rollup, 'Pss_Shmem')).to.deep.equal(Number.NaN)
  })
})
