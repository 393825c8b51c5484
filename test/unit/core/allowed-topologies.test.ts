import { expect } from 'chai'
import { describeTopologies, isAllowedTopology, type TopologyTerm } from '../../../core/allowed-topologies.ts'

const term = (...wanted: [key: string, ...values: string[]][]): TopologyTerm => ({
  matchLabelExpressions: wanted.map(([key, ...values]) => ({ key, values })),
})
const NODE = { zone: 'a', rack: '7' }

describe('core/allowed-topologies', () => {
  const CASES: readonly [what: string, terms: readonly TopologyTerm[], isAllowed: boolean][] = [
    ['no terms allow every node', [], true],
    ['one of the values is enough', [term(['zone', 'b', 'a'])], true],
    ['another value is not', [term(['zone', 'b'])], false],
    ['a label that the node does not have is not', [term(['row', '1'])], false],
    ['nor is an empty value of it', [term(['row', ''])], false],
    ['all expressions of a term have to match', [term(['zone', 'a'], ['rack', '8'])], false],
    ['one of the terms is enough', [term(['zone', 'b']), term(['rack', '7'])], true],
    ['a term without expressions allows nothing', [term(), {}], false],
  ]
  for (const [what, terms, isAllowed] of CASES)
    it(what, () => {
      expect(isAllowedTopology(terms, NODE)).to.equal(isAllowed)
    })

  it('are told to people', () => {
    const terms = [term(['zone', 'a', 'b'], ['disk', 'ssd']), term(['zone', 'c'])]
    expect(describeTopologies(terms)).to.equal('zone in (a, b) and disk in (ssd), or zone in (c)')
  })
})
