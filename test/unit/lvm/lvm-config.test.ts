import { expect } from 'chai'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Refused } from '../../../lvm/errors.ts'
import {
  deviceFilter,
  lvmConfigText,
  shellConfigText,
  shellDirectoryIn,
  writeLvmConfig,
} from '../../../lvm/lvm-config.ts'

describe('lvm configuration', () => {
  it('shows LVM nothing unless a command names its devices', () => {
    expect(deviceFilter([])).to.equal('devices/global_filter=["r|.*|"]')
    expect(lvmConfigText('host')).to.include('global_filter = [ "r|.*|" ]')
  })

  it('accepts exactly the named devices, dots and plus signs taken literally', () => {
    expect(deviceFilter(['/dev/sda', '/dev/disk/by-id/a.b+c'])).to.equal(
      'devices/global_filter=["a|^/dev/sda$|","a|^/dev/disk/by-id/a[.]b[+]c$|","r|.*|"]',
    )
    expect(deviceFilter('every device')).to.equal('devices/global_filter=["a|.*|"]')
  })

  it('refuses a path that could open the filter', () => {
    expect(() => deviceFilter(['/dev/sda|","a|.*'])).to.throw(Refused)
  })

  it('waits for udev only where udev can answer', () => {
    expect(lvmConfigText('host')).to.match(/udev_sync = 1/)
    expect(lvmConfigText('image')).to.match(/udev_sync = 0\n\s+udev_rules = 0/)
  })

  for (const setting of [
    'use_aio = 0',
    'scan_lvs = 0',
    'archive = 0',
    'backup = 0',
    'use_devicesfile = 0',
    'error_when_full = 0',
  ])
    it(`sets ${setting} in both places`, () => {
      expect(lvmConfigText('host')).to.include(setting)
      expect(lvmConfigText('image')).to.include(setting)
    })

  it('is written for root alone and leaves nothing else behind', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'loam-'))
    try {
      await writeLvmConfig(join(directory, 'lvm'), 'host')
      await writeLvmConfig(join(directory, 'lvm'), 'image')
      expect((await readdir(join(directory, 'lvm'))).sort()).to.deep.equal(['lvm.conf', 'shell'])
      expect(await readdir(join(directory, 'lvm', 'shell'))).to.deep.equal(['lvm.conf'])
      for (const [file, text] of [
        [join(directory, 'lvm', 'lvm.conf'), lvmConfigText('image')],
        [join(shellDirectoryIn(join(directory, 'lvm')), 'lvm.conf'), shellConfigText('image')],
      ] as const) {
        expect(await readFile(file, 'utf8')).to.equal(text)
        expect((await stat(file)).mode & 0o777).to.equal(0o600)
      }
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})
