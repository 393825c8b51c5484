import { expect } from 'chai'
import { callTimes } from '../../../bench/csi/bare-calls.ts'

describe('times of a script that does what the calls do', () => {
  it('lie between each two moments, in milliseconds', () => {
    const moments = ['10.000000', '12.500000', '12.750000', '13.000000', '14.000000', '14.500000']
    expect(callTimes(moments.join('\n'))).to.deep.equal({
      ...{ 'stage-first': 2500, publish: 250, unpublish: 250, unstage: 1000, 'stage-again': 500 },
    })
  })

  for (const output of ['', '1\n2\n3', '1\n2\n3\nno\n5\n6', '1\n2\n3\n4\n5\n6\n7'])
    it(`are refused when the script wrote ${JSON.stringify(output)}`, () => {
      expect(() => callTimes(output)).to.throw('the script wrote no 6 moments')
    })
})
