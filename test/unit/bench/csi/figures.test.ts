import { expect } from 'chai'
import { callFigures } from '../../../bench/csi/calls.ts'
import { agentMemoryFigures, podStartFigures } from '../../../bench/csi/pod-start.ts'
import { statsFigures } from '../../../bench/csi/stats.ts'
import type { Figure } from '../../../bench/report.ts'

const ratios = (figures: readonly Figure[]): Readonly<Record<string, number>> =>
  Object.fromEntries(figures.map(({ name, ratio }) => [name.replace('csi/', ''), ratio]))

describe('figures of the bench of the CSI service', () => {
  it('pod start: a bound claim over emptyDir and mkfs, an unbound one over emptyDir', () => {
    const starts = { emptyDirMs: [9000, 8000, 30_000], mkfsMs: [1000, 900, 1100] }
    const figures = podStartFigures({
      ...starts,
      unboundMs: [13_500, 1, 99_999],
      boundMs: [12_000, 1, 99_999],
    })
    expect(ratios(figures)).to.deep.equal({ 'pod-start-bound': 1.2, 'pod-start-unbound': 1.5 })
  })

  it("memory: anonymous pages over the pod's request", () => {
    const figures = agentMemoryFigures({ anonymousBytes: 48 * 2 ** 20, pssBytes: 90 * 2 ** 20 })
    expect(ratios(figures)).to.deep.equal({ 'agent-memory': 0.75 })
  })

  it('calls: each over the script, with its parts', () => {
    const call = (ms: number) => ({ ms, commands: [{ name: 'mount', ms: 40 }] })
    const plugin = {
      'stage-first': call(3000),
      publish: call(60),
      unpublish: call(50),
      unstage: call(400),
      'stage-again': call(600),
    }
    const bare = { 'stage-first': 2000, publish: 50, unpublish: 50, unstage: 400, 'stage-again': 500 }
    const figures = callFigures({ plugin: [plugin], bare: [bare] })
    expect(ratios(figures)).to.deep.equal({
      ...{ 'stage-first': 1.5, publish: 1.2, unpublish: 1, unstage: 1, 'stage-again': 1.2 },
    })
    expect(figures[1]?.raw).to.deep.equal({ callMs: 60, bareMs: 50, mountMs: 40, restMs: 20, rounds: 1 })
  })

  it('stats: a call over one that does nothing, many volumes over few, percent of a core, commands of a call', () => {
    const asked = { volumes: 10, callMs: [2, 2, 3, 2], cpuSeconds: 0.01, commands: 0, startedInVm: 0 }
    const many = { ...asked, volumes: 600, callMs: [3, 3, 9, 3], cpuSeconds: 0.02, commands: 4 }
    expect(ratios(statsFigures({ few: asked, many, probeMs: [1, 2, 1] }))).to.deep.equal({
      ...{ 'stats-call': 3, 'stats-at-600': 1.5, 'stats-cpu': 5, 'stats-commands': 0.5 },
    })
  })
})
