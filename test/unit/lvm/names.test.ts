import { expect } from 'chai'
import fc from 'fast-check'

import { Refused } from '../../../lvm/errors.ts'
import {
  checkDevicePath,
  checkGroupName,
  checkTag,
  checkUuid,
  checkVolumeName,
  isDevicePath,
} from '../../../lvm/names.ts'

const CHECKS = { checkGroupName, checkVolumeName, checkTag, checkUuid, checkDevicePath }

describe('names', () => {
  it('lets through what Loam itself makes', () => {
    expect(checkGroupName('loam-fast.storage_1')).to.equal('loam-fast.storage_1')
    expect(checkVolumeName('pvc-0b2f7a52-3a8c-4a6f-9d3e-1f2a3b4c5d6e')).to.match(/^pvc-/)
    expect(checkTag('loam.claim=default/data.x')).to.equal('loam.claim=default/data.x')
    expect(checkUuid('KYbmKl-OObQ-pxf3-93R2-aWCZ-RoZh-FZMwWW')).to.have.length(38)
    expect(checkDevicePath('/dev/disk/by-id/scsi-SATA_X:1.0+a@b=c,d')).to.match(/^\/dev/)
  })

  const refused: [keyof typeof CHECKS, string][] = [
    ['checkGroupName', ''],
    ['checkGroupName', '--version'],
    ['checkGroupName', '.'],
    ['checkGroupName', 'a/b'],
    ['checkGroupName', 'mapper'],
    ['checkGroupName', 'a\nvgremove b'],
    ['checkGroupName', 'x'.repeat(64)],
    ['checkVolumeName', 'snapshot0'],
    ['checkVolumeName', 'pvmove0'],
    ['checkVolumeName', 'pvc_tmeta'],
    ['checkVolumeName', '-f'],
    ['checkTag', ''],
    ['checkTag', '-y'],
    ['checkTag', 'two words'],
    ['checkTag', 'ä'],
    ['checkTag', 't'.repeat(1025)],
    ['checkUuid', 'KYbmKl-OObQ-pxf3-93R2-aWCZ-RoZh'],
    ['checkUuid', 'KYbmKl-OObQ-pxf3-93R2-aWCZ-RoZh-FZMwWW || true'],
    ['checkDevicePath', '/etc/passwd'],
    ['checkDevicePath', '/dev/../etc/passwd'],
    ['checkDevicePath', '/dev/sda|.*'],
    ['checkDevicePath', '/dev/sda"'],
    ['checkDevicePath', '/dev/'],
    ['checkDevicePath', 'sda'],
  ]
  for (const [check, text] of refused)
    it(`${check} refuses ${JSON.stringify(text.slice(0, 50))}, and says what is allowed`, () => {
      expect(() => CHECKS[check](text)).to.throw(Refused, /\(.+\)/)
    })

  it('never lets an option, a blank or a sign with a meaning in a filter through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        for (const check of Object.values(CHECKS)) {
          let passed: string
          try {
            passed = check(text)
          } catch (error) {
            expect(error).to.be.instanceOf(Refused)
            continue
          }
          expect(passed).to.equal(text)
          expect(passed).to.match(/^[\x21-\x7e]+$/)
          expect(passed).not.to.match(/^-|["'|\\`$(){}[\]*?<>;]/)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('knows a device path without throwing', () => {
    expect(isDevicePath('/dev/loop0')).to.equal(true)
    expect(isDevicePath('/dev/./loop0')).to.equal(false)
  })
})
