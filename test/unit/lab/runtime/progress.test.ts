import { expect } from 'chai'
import { createProgress, formatSeconds } from '../../../lab/runtime/progress.ts'

describe('progress', () => {
  it('shows tenths of seconds below a minute', () => {
    expect(formatSeconds(1234)).to.equal('1.2 s')
    expect(formatSeconds(125_900)).to.equal('2 min 05 s')
  })

  it('tells how long a phase took, and gives its result', async () => {
    const lines: string[] = []
    const progress = createProgress((line) => lines.push(line))
    expect(await progress.phase('work', () => Promise.resolve(7))).to.equal(7)
    expect(lines).to.have.length(1)
    expect(lines[0]).to.match(/^\[ *\d+\.\d s\] work: \d+\.\d s\n$/)
  })

  it('does not call a phase done that failed', async () => {
    const lines: string[] = []
    const progress = createProgress((line) => lines.push(line))
    const failing = progress.phase('work', () => Promise.reject(new Error('no')))
    expect(await failing.catch((error: unknown) => String(error))).to.equal('Error: no')
    expect(lines).to.deep.equal([])
  })
})
