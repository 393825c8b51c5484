import { expect } from 'chai'

import { CommandFailed } from '../../../lvm/errors.ts'
import { isNewEnough, parseVersion } from '../../../lvm/lvm-probe.ts'

describe('lvm probe', () => {
  it('reads the version', () => {
    const text = '  LVM version:     2.03.16(2) (2022-05-18)\n  Library version: 1.02.185 (2022-05-18)\n'
    expect(parseVersion(text)).to.deep.equal([2, 3, 16])
    expect(() => parseVersion('sh: lvm: not found')).to.throw(CommandFailed)
  })

  it('knows what is new enough', () => {
    expect(isNewEnough([2, 3, 12])).to.equal(true)
    expect(isNewEnough([2, 3, 11])).to.equal(false)
    expect(isNewEnough([2, 2, 188])).to.equal(false)
    expect(isNewEnough([2, 4, 0])).to.equal(true)
    expect(isNewEnough([3, 0, 0])).to.equal(true)
  })
})
