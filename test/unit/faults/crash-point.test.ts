import { expect } from 'chai'

import { atStep, type ChangeStep } from '../../../core/failpoints.ts'
import type { Command, CommandRunner } from '../../../lvm/command-runner.ts'
import { changeLeftBy, watchCrashPoints } from '../../faults/crash-point.ts'

const inner: CommandRunner = {
  run: (command) => {
    const result = Promise.resolve({ exitCode: 0, stdout: '', stderr: '', report: '' })
    return command.effect === 'read' ? result : atStep(command.step, () => result)
  },
}

const change = (step: ChangeStep, ...args: string[]): Command => ({
  ...{ file: 'lvm', args, effect: 'change', step, deadlineMs: 1 },
})

const flush = (): Promise<void> => atStep('flush-device', () => Promise.resolve())

describe('faults/crash-point', () => {
  it('names no two flushes of an operation alike', async () => {
    const points: string[] = []
    const runner = watchCrashPoints(inner, 'create-volume', (point, when) => {
      if (when !== 'during') points.push(point)
    })
    await flush()
    await runner.run(change('tag-volume', '--addtag', 'loam.state=used'))
    await Promise.all([flush(), flush()])
    await flush()
    await runner.run(change('remove-volume'))
    await flush()
    expect(points).to.deep.equal([
      ...['before.flush-device 1 of create-volume, left', 'after.flush-device 1 of create-volume, left'],
      ...['before.tag-volume loam.state=used', 'after.tag-volume loam.state=used'],
      ...['before.flush-device 1 of tag-volume loam.state=used'],
      ...['before.flush-device 2 of tag-volume loam.state=used'],
      ...['after.flush-device 1 of tag-volume loam.state=used'],
      ...['after.flush-device 2 of tag-volume loam.state=used'],
      ...['before.flush-device 3 of tag-volume loam.state=used'],
      ...['after.flush-device 3 of tag-volume loam.state=used'],
      ...['before.remove-volume', 'after.remove-volume'],
      ...['before.flush-device 1 of remove-volume', 'after.flush-device 1 of remove-volume'],
    ])
  })
  it('tells which change the dead have left to be flushed', () => {
    expect(changeLeftBy([])).to.equal('the start')
    expect(changeLeftBy(['create/before.create-volume'])).to.equal('the start')
    const spent = ['stage/before.tag-volume loam.state=used', 'stage/after.tag-volume loam.state=used']
    expect(changeLeftBy(spent)).to.equal('tag-volume loam.state=used')
    const later = ['release/after.flush-device 1 of x, left', 'release/before.deactivate-volume']
    expect(changeLeftBy([...spent, ...later])).to.equal('tag-volume loam.state=used')
  })
})
