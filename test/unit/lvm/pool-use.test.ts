import { expect } from 'chai'

import { CommandFailed } from '../../../lvm/errors.ts'
import { parsePoolStatus } from '../../../lvm/pool-use.ts'

const line = (metadata: string, data: string, mode = 'rw', check = '-'): string =>
  `g-p-tpool: 0 311296 thin-pool 5 ${metadata} ${data} - ${mode} discard_passdown queue_if_no_space ${check} 768 `

describe('lvm/pool-use', () => {
  it('reads the use of a pool, rounded up', () => {
    expect(parsePoolStatus(line('329/3072', '2192/2432'))).to.deep.equal({
      ...{ dataPercent: 91, metadataPercent: 11, mode: 'rw' },
    })
    expect(parsePoolStatus(line('1/1', '0/5'))).to.include({ dataPercent: 0, metadataPercent: 100 })
  })

  it('reads what is wrong with a pool', () => {
    expect(parsePoolStatus(line('1/9', '9/9', 'out_of_data_space'))).to.include({ mode: 'out_of_data_space' })
    expect(parsePoolStatus(line('1/9', '9/9', 'ro'))).to.include({ mode: 'ro' })
    expect(parsePoolStatus(line('1/9', '9/9', 'rw', 'needs_check'))).to.include({ mode: 'needs_check' })
    expect(parsePoolStatus('g-p-tpool: 0 311296 thin-pool Fail')).to.deep.equal({
      ...{ dataPercent: 100, metadataPercent: 100, mode: 'Fail' },
    })
  })

  it('guesses at nothing else', () => {
    expect(() => parsePoolStatus('g-p-tpool: 0 311296 thin-pool 5 1/2 3 -')).to.throw(CommandFailed)
    expect(() => parsePoolStatus(line('1/9', '9/9', 'wo'))).to.throw(CommandFailed)
  })
})
