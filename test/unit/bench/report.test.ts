import { expect } from 'chai'
import { holds, jsonLine, table, tell, type Figure } from '../../bench/report.ts'

const figure: Figure = {
  name: 'lvm-command/vgs',
  ratio: 0.66271,
  goal: { atMost: 0.8 },
  raw: { oursMs: 10.1234, rounds: 15 },
  method: 'median of 15',
}

describe('report of a bench', () => {
  it('says whether a ratio holds, whichever side its goal bounds; the bound itself holds', () => {
    expect(holds(figure)).to.equal(true)
    expect(holds({ ...figure, ratio: 0.8 })).to.equal(true)
    expect(holds({ ...figure, ratio: 0.81 })).to.equal(false)
    expect(holds({ ...figure, goal: { atLeast: 0.7 } })).to.equal(false)
    expect(holds({ ...figure, goal: { atLeast: 0.6 } })).to.equal(true)
  })

  it('never holds without a number', () => {
    expect(holds({ ...figure, ratio: Number.NaN })).to.equal(false)
  })

  it('is one JSON object a line', () => {
    const line = jsonLine(figure)
    expect(line).not.to.include('\n')
    expect(JSON.parse(line)).to.deep.equal({
      name: 'lvm-command/vgs',
      ratio: 0.663,
      goal: '<= 0.8',
      holds: true,
      raw: { oursMs: 10.1234, rounds: 15 },
      method: 'median of 15',
    })
  })

  it('is said at once, a line for each figure, which are given on', () => {
    const said: string[] = []
    const figures = [figure, { ...figure, name: 'other' }]
    expect(tell((line) => said.push(line), figures)).to.equal(figures)
    expect(said).to.deep.equal(figures.map(jsonLine))
  })

  it('is a table with a line for each figure, and their methods', () => {
    const lines = table([figure, { ...figure, name: 'other', ratio: 2 }]).split('\n')
    expect(lines).to.deep.equal([
      'figure           ratio  goal    holds  raw',
      'lvm-command/vgs  0.663  <= 0.8  yes    oursMs=10.1 rounds=15',
      'other            2      <= 0.8  NO     oursMs=10.1 rounds=15',
      '',
      'lvm-command/vgs: median of 15',
      'other: median of 15',
    ])
  })
})
