import { expect } from 'chai'
import {
  formatVolumeHandle,
  nodeLocalStorageName,
  parseVolumeHandle,
  volumeNameForClaim,
} from '../../../core/naming.ts'

describe('core/naming', () => {
  const groupUuid = 'n2SgQX-9a1w-2Bhd-Sg8Q-yfbi-0D2l-1g5KqW'
  const volumeUuid = 'Zx81bC-1111-2222-3333-4444-5555-abcdef'

  it('keeps class "a.b" on node "c" apart from class "a" on node "b.c"', () => {
    expect(nodeLocalStorageName('a.b', 'c')).not.to.equal(nodeLocalStorageName('a', 'b.c'))
  })

  it('makes a DNS subdomain even of the longest names', () => {
    const name = nodeLocalStorageName('c'.repeat(253), 'n'.repeat(63))
    expect(name.length).to.be.at.most(253)
    expect(name).to.match(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/)
  })

  it('reads the handle that it writes, within the 128 bytes of CSI', () => {
    const handle = { groupUuid, volumeUuid }
    const text = formatVolumeHandle(handle)
    expect(Buffer.byteLength(text)).to.equal(77)
    expect(parseVolumeHandle(text)).to.deep.equal(handle)
  })

  for (const bad of [
    '',
    'x',
    groupUuid,
    `${groupUuid}/`,
    `${groupUuid}/${volumeUuid}/`,
    `../${volumeUuid}`,
    `${groupUuid}/${volumeUuid}\n`,
  ]) {
    it(`refuses ${JSON.stringify(bad)} as a handle`, () => expect(parseVolumeHandle(bad)).to.equal(undefined))
  }

  it('names a volume by its claim', () => expect(volumeNameForClaim('u-1')).to.equal('pvc-u-1'))
})
