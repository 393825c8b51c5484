import { expect } from 'chai'

import { CommandFailed } from '../../../lvm/errors.ts'
import { describeSignature, parseExport, signatureOf } from '../../../lvm/signature.ts'

describe('signature', () => {
  it('tells the exit statuses of blkid apart', () => {
    expect(signatureOf('/dev/a', 2, '')).to.deep.equal({ kind: 'nothing' })
    expect(signatureOf('/dev/a', 8, '')).to.deep.equal({ kind: 'several' })
    expect(signatureOf('/dev/a', 0, 'DEVNAME=/dev/a\nUUID=u\nTYPE=ext4\n')).to.deep.equal({
      kind: 'found',
      type: 'ext4',
      uuid: 'u',
      partitionTable: '',
    })
  })

  for (const status of [1, 4, 127])
    it(`takes exit status ${status} for a failure, never for a blank disk`, () => {
      expect(() => signatureOf('/dev/a', status, '')).to.throw(CommandFailed, `${status}`)
    })

  it('keeps an equals sign in a value', () => {
    expect(parseExport('LABEL=a=b\nnoise\n').get('LABEL')).to.equal('a=b')
  })

  it('names what was found', () => {
    const found = { kind: 'found', uuid: '' } as const
    expect(describeSignature({ ...found, type: 'xfs', partitionTable: '' })).to.equal('xfs')
    expect(describeSignature({ ...found, type: '', partitionTable: 'gpt' })).to.equal('a gpt partition table')
    expect(describeSignature({ kind: 'several' })).to.equal('signatures of several kinds')
    expect(describeSignature({ kind: 'nothing' })).to.equal('nothing that is recognised')
  })
})
