import { expect } from 'chai'

import { guardedMountOptions, parseMountOptions } from '../../../core/mount-options.ts'
import type { FileSystem } from '../../../core/volume-tags.ts'

describe('parseMountOptions', () => {
  const accepted: [FileSystem, string[], string[]][] = [
    ['ext4', [], []],
    ['ext4', ['noatime', 'errors=remount-ro', 'commit=30'], ['noatime', 'errors=remount-ro', 'commit=30']],
    ['ext4', ['noatime,discard', ''], ['noatime', 'discard']],
    ['xfs', ['logbsize=256k', 'allocsize=64m'], ['logbsize=256k', 'allocsize=64m']],
    ['xfs', ['suid', 'nodev'], ['suid', 'nodev']],
    ['btrfs', ['compress=zstd:3', 'discard=async'], ['compress=zstd:3', 'discard=async']],
  ]
  for (const [fileSystem, texts, options] of accepted) {
    it(`takes ${JSON.stringify(texts)} for ${fileSystem}`, () => {
      expect(parseMountOptions(fileSystem, texts)).to.deep.equal({ options })
    })
  }

  const refused: [FileSystem, string][] = [
    ['ext4', 'bind'],
    ['ext4', 'loop'],
    ['ext4', 'remount'],
    ['ext4', 'ro'],
    ['ext4', 'context="system_u:object_r:container_file_t:s0"'],
    ['ext4', 'errors=panic'],
    ['ext4', 'data=writeback'],
    ['ext4', 'X-mount.mkdir=/etc'],
    ['ext4', 'noatime\nsuid'],
    ['ext4', 'logbsize=256k'],
    ['xfs', 'logdev=/dev/sda'],
    ['xfs', 'rtdev=/dev/sda'],
    ['btrfs', 'subvol=/'],
    ['btrfs', 'device=/dev/sda'],
    ['btrfs', 'nobarrier'],
  ]
  for (const [fileSystem, text] of refused) {
    it(`refuses ${JSON.stringify(text)} for ${fileSystem}, and says what is allowed`, () => {
      const read = parseMountOptions(fileSystem, ['noatime', text])
      expect(read).to.have.property('fault').that.includes(JSON.stringify(text).slice(1, 5))
      expect(read).to.have.property('fault').that.includes('allowed are noatime')
    })
  }

  it('refuses more options than anybody needs', () => {
    const read = parseMountOptions(
      'ext4',
      Array.from({ length: 33 }, () => 'noatime'),
    )
    expect(read).to.deep.equal({ fault: '33 options, and 32 are allowed' })
  })

  it('refuses options that contradict each other', () => {
    expect(parseMountOptions('ext4', ['nosuid', 'noatime', 'suid'])).to.deep.equal({
      fault: '"nosuid" and "suid" contradict each other: give one of them',
    })
  })
})

describe('guardedMountOptions', () => {
  it('puts nosuid and nodev before what is asked for, each unless the contrary is', () => {
    expect(guardedMountOptions(['noatime'])).to.deep.equal(['nosuid', 'nodev', 'noatime'])
    expect(guardedMountOptions(['suid'])).to.deep.equal(['nodev', 'suid'])
    expect(guardedMountOptions(['dev', 'suid'])).to.deep.equal(['dev', 'suid'])
  })
})
