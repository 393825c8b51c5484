import { expect } from 'chai'
import { add, describeTotals, parseTotals } from '../../runner/totals.ts'

describe('runner/totals', () => {
  it('adds up and prints the line that CI reads', () => {
    const sum = add({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 })
    expect(describeTotals(sum)).to.equal('11 passed, 22 failed, 33 skipped')
  })

  for (const text of [
    '',
    '{',
    'null',
    '{"passed":1}',
    '{"passed":-1,"failed":0,"skipped":0}',
    '{"passed":"1","failed":0,"skipped":0}',
  ]) {
    it(`takes ${JSON.stringify(text)} for no totals`, () => expect(parseTotals(text)).to.equal(undefined))
  }

  it('reads what a part wrote', () => {
    const totals = { passed: 3, failed: 0, skipped: 1 }
    expect(parseTotals(JSON.stringify(totals))).to.deep.equal(totals)
  })
})
