import { expect } from 'chai'
import { readFile, writeFile } from 'node:fs/promises'

import { Refused } from '../../../lvm/errors.ts'
import type { WantedContent } from '../../../lvm/types.ts'
import { thrownBy } from '../../unit/lvm/thrown.ts'
import { writeAt } from './arrange.ts'
import { handMadeLvm, MIB, run } from './fixture.ts'
import { BLOCK, EXT4, mount, MOUNT_POINT, unmount, useVolumes } from './volumes-under-test.ts'

describe('lvm/prepare-volume', function () {
  this.timeout(180_000)
  const tested = useVolumes()

  for (const type of ['ext4', 'xfs', 'btrfs'] as const)
    it(`makes ${type} once, and keeps what was written`, async () => {
      const made = await tested.make(304n * MIB, { content: type })
      const content: WantedContent = { kind: 'fileSystem', type, mkfsOptions: [] }
      const prepared = await tested.volumes.prepareVolume(made.handle, content)
      expect(prepared).to.deep.equal({ devicePath: prepared.devicePath, fileSystem: type })
      expect(await tested.stateOf(made)).to.equal('used')
      await mount(prepared.devicePath)
      await writeFile(`${MOUNT_POINT}/hello`, 'still here')
      await unmount()
      await tested.volumes.releaseVolume(made.handle)
      expect((await tested.volumes.findVolume(made.handle))?.active).to.equal(false)
      const again = await tested.volumes.prepareVolume(made.handle, content)
      await mount(again.devicePath)
      expect(await readFile(`${MOUNT_POINT}/hello`, 'utf8')).to.equal('still here')
      await unmount()
      expect(tested.ranFile(`mkfs.${type}`)).to.equal(1)
    })

  it('takes an LVM command a change, and none for a volume that is ready', async () => {
    const made = await tested.make(16n * MIB)
    tested.forgetCommands()
    await tested.volumes.prepareVolume(made.handle, EXT4)
    // activated, tagged before mkfs and after it
    expect(tested.ran()).to.deep.equal(['lvchange', 'lvchange', 'lvchange'])
    tested.forgetCommands()
    await tested.volumes.prepareVolume(made.handle, EXT4)
    expect(tested.ran()).to.deep.equal([])
  })

  it('never formats again when the file system is gone', async () => {
    const made = await tested.make(16n * MIB)
    const { devicePath } = await tested.volumes.prepareVolume(made.handle, EXT4)
    await writeAt(devicePath, 0, Buffer.alloc(1024 * 1024))
    const error = await thrownBy(tested.volumes.prepareVolume(made.handle, EXT4))
    expect(error).to.be.instanceOf(Refused)
    expect(tested.ranFile('mkfs.ext4')).to.equal(1)
    expect(await tested.stateOf(made)).to.equal('used')
  })

  it('formats nothing that holds data, whatever its tags say', async () => {
    const made = await tested.make(16n * MIB)
    const { devicePath } = await tested.volumes.prepareVolume(made.handle, EXT4)
    const lv = `${tested.group.name}/${made.name}`
    for (const state of ['new', 'formatting']) {
      await handMadeLvm('lvchange', '--deltag', 'loam.state=used', '--addtag', `loam.state=${state}`, lv)
      const result = await tested.volumes.prepareVolume(made.handle, EXT4).catch((error: unknown) => error)
      if (state === 'new') {
        expect(result).to.be.instanceOf(Refused)
        await handMadeLvm('lvchange', '--deltag', 'loam.state=new', '--addtag', 'loam.state=used', lv)
      } else expect(result).to.deep.equal({ devicePath, fileSystem: 'ext4' })
    }
    expect(tested.ranFile('mkfs.ext4')).to.equal(1)
    expect(await tested.stateOf(made)).to.equal('used')
  })

  it('goes on after a crash in the middle of mkfs', async () => {
    const made = await tested.make(16n * MIB)
    const lv = `${tested.group.name}/${made.name}`
    await handMadeLvm('lvchange', '--deltag', 'loam.state=new', '--addtag', 'loam.state=formatting', lv)
    await handMadeLvm('lvchange', '-ay', lv)
    await writeAt(`/dev/${lv}`, 65536, Buffer.alloc(4096, 0xa5))
    await handMadeLvm('lvchange', '-an', lv)
    expect(await tested.volumes.prepareVolume(made.handle, EXT4)).to.include({ fileSystem: 'ext4' })
    expect(await tested.stateOf(made)).to.equal('used')
  })

  it('refuses another content than the volume was made for, and changes nothing', async () => {
    const made = await tested.make(16n * MIB)
    for (const content of [BLOCK, { ...EXT4, type: 'xfs' } as const])
      expect(await thrownBy(tested.volumes.prepareVolume(made.handle, content))).to.be.instanceOf(Refused)
    expect(await tested.volumes.findVolume(made.handle)).to.deep.equal(made)
  })

  it('refuses a volume whose tags it cannot read whole', async () => {
    const made = await tested.make(16n * MIB)
    await handMadeLvm('lvchange', '--addtag', 'loam.state=used', `${tested.group.name}/${made.name}`)
    expect(await thrownBy(tested.volumes.prepareVolume(made.handle, EXT4))).to.be.instanceOf(Refused)
  })

  it('hands out a block volume, marked used before anybody can write', async () => {
    const made = await tested.make(16n * MIB, { content: 'block' })
    const { devicePath, fileSystem } = await tested.volumes.prepareVolume(made.handle, BLOCK)
    expect(fileSystem).to.equal(undefined)
    expect(await tested.stateOf(made)).to.equal('used')
    await writeAt(devicePath, 0, Buffer.from('mine'))
    await tested.volumes.releaseVolume(made.handle)
    const again = await tested.volumes.prepareVolume(made.handle, BLOCK)
    expect((await readFile(again.devicePath)).subarray(0, 4).toString()).to.equal('mine')
  })

  it('hands out no block volume in whose middle somebody left data', async () => {
    const made = await tested.make(16n * MIB, { content: 'block' })
    const lv = `${tested.group.name}/${made.name}`
    await handMadeLvm('lvchange', '-ay', lv)
    await writeAt(`/dev/${lv}`, 8 << 20, Buffer.alloc(1 << 20, 'left behind'))
    await handMadeLvm('lvchange', '-an', lv)
    expect(await thrownBy(tested.volumes.prepareVolume(made.handle, BLOCK))).to.be.instanceOf(Refused)
    expect(await tested.stateOf(made)).to.equal('new')
  })

  it('makes a missing device node again', async () => {
    const made = await tested.make(16n * MIB)
    const { devicePath } = await tested.volumes.prepareVolume(made.handle, EXT4)
    await run('rm', devicePath)
    await tested.volumes.releaseVolume(made.handle)
    expect(await tested.volumes.prepareVolume(made.handle, EXT4)).to.include({ devicePath })
  })
})
