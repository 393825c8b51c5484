import { expect } from 'chai'
import { isOlder } from '../../../kube/resource-version.ts'

describe('resource versions', () => {
  it('are numbers of any length, not text', () => {
    expect(isOlder('9', '10')).to.equal(true)
    expect(isOlder('10', '9')).to.equal(false)
    expect(isOlder('10', '10')).to.equal(false)
    expect(isOlder('9007199254740992', '9007199254740993')).to.equal(true)
  })

  it('of another form are never called older', () => {
    for (const [version, than] of [
      ['a', 'b'],
      ['1', undefined],
      ['', '5'],
      ['0x1', '5'],
      ['05', '6'],
    ])
      expect(isOlder(version, than), `${version} ${than}`).to.equal(false)
  })
})
