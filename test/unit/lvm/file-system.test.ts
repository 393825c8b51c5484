import { expect } from 'chai'

import { Refused } from '../../../lvm/errors.ts'
import { checkMkfsOptions, makeFileSystemCommand } from '../../../lvm/file-system.ts'

describe('file system', () => {
  it('lets ordinary options through', () => {
    const options = ['-E', 'lazy_itable_init=0', '-L', 'data', '-i', '8192', '-m', 'reflink=1,bigtime=1']
    expect(checkMkfsOptions(options)).to.equal(options)
  })

  for (const option of ['/dev/sdb', '-F', '-f', '--force', 'a b', '', '$(id)', '-L"x"', 'x'.repeat(129)])
    it(`refuses ${JSON.stringify(option.slice(0, 20))}`, () => {
      expect(() => checkMkfsOptions(['-q', option])).to.throw(Refused, 'mkfs option')
    })

  it('is made without force, its device after all options', () => {
    const { file, args } = makeFileSystemCommand('xfs', '/dev/dm-1', ['-L', 'data'])
    expect(file).to.equal('mkfs.xfs')
    expect(args).to.deep.equal(['-q', '-K', '-L', 'data', '--', '/dev/dm-1'])
    expect(() => makeFileSystemCommand('ext4', '/dev/dm-1', ['-F'])).to.throw(Refused, 'mkfs option')
  })
})
