import { expect } from 'chai'
import { constants } from 'node:fs'
import { open, readFile } from 'node:fs/promises'

import { InUse, Refused } from '../../../lvm/errors.ts'
import { thrownBy } from '../../unit/lvm/thrown.ts'
import { writeAt } from './arrange.ts'
import { disk, handMadeLvm, MIB, run } from './fixture.ts'
import { BLOCK, EXT4, mount, unmount, useVolumes } from './volumes-under-test.ts'

/** Zeros are dropped first: to grep they are one endless line. */
const PATTERN_COUNT = `tr -d '\\0' < "$0" | grep -c -a tenant-secret || true`

describe('lvm/remove-volume', function () {
  this.timeout(180_000)
  const tested = useVolumes()

  it('does not let go of a volume that is in use', async () => {
    const made = await tested.make(16n * MIB)
    const { devicePath } = await tested.volumes.prepareVolume(made.handle, EXT4)
    await mount(devicePath)
    expect(await thrownBy(tested.volumes.releaseVolume(made.handle))).to.be.instanceOf(InUse)
    expect(await thrownBy(tested.remove(made)))
      .to.be.instanceOf(InUse)
      .with.property('message')
      .that.matches(/mounted at/)
    await unmount()
    const file = await open(devicePath, constants.O_RDONLY)
    expect(await thrownBy(tested.volumes.releaseVolume(made.handle))).to.be.instanceOf(InUse)
    expect(await thrownBy(tested.remove(made))).to.be.instanceOf(InUse)
    await file.close()
    expect(await tested.stateOf(made)).to.equal('used')
    await tested.volumes.releaseVolume(made.handle)
    await tested.volumes.releaseVolume(made.handle)
  })

  it('removes nothing but the volume that is meant', async () => {
    const made = await tested.make(16n * MIB)
    expect(await thrownBy(tested.remove(made, { claimUid: 'another' }))).to.be.instanceOf(Refused)
    expect(await tested.volumes.findVolume(made.handle)).to.deep.equal(made)
  })

  it('removes once, and again is no error', async () => {
    const made = await tested.make(16n * MIB)
    tested.forgetCommands()
    await tested.remove(made)
    await tested.remove(made)
    expect(await tested.volumes.findVolume(made.handle)).to.equal(undefined)
    expect(tested.ran(), 'never used, so there is nothing to activate it for').to.deep.equal(['lvremove'])
    expect((await tested.volumes.inventory()).groups[0]?.freeBytes).to.equal(tested.group.freeBytes)
    expect(tested.ranFile('blkdiscard'), 'never used, so there is nothing to erase').to.equal(0)
  })

  it('finds a volume on the disks after a change of its group, and asks LVM nothing', async () => {
    const made = await tested.make(16n * MIB)
    await handMadeLvm('lvchange', '--addtag', 'by-hand', `${tested.group.name}/${made.name}`)
    tested.forgetCommands()
    expect((await tested.volumes.findVolume(made.handle))?.tags).to.include('by-hand')
    expect(tested.ran()).to.deep.equal([])
  })

  it('takes no more LVM commands than erasing needs', async () => {
    const made = await tested.make(16n * MIB, { content: 'block' })
    await tested.volumes.prepareVolume(made.handle, BLOCK)
    await tested.volumes.releaseVolume(made.handle)
    tested.forgetCommands()
    await tested.remove(made)
    // activated, tagged as being erased, deactivated, removed
    expect(tested.ran()).to.deep.equal(['lvchange', 'lvchange', 'lvchange', 'lvremove'])
  })

  it('erases what was written into a volume that was never handed out', async () => {
    const made = await tested.make(24n * MIB)
    const lv = `${tested.group.name}/${made.name}`
    await handMadeLvm('lvchange', '-ay', lv)
    await writeAt(`/dev/${lv}`, 3 << 20, Buffer.from('tenant-secret'))
    await handMadeLvm('lvchange', '-an', lv)
    await tested.remove(made)
    expect(tested.ranFile('blkdiscard')).to.equal(1)
    for (const path of [disk(0), disk(1)])
      expect(await run('sh', '-c', PATTERN_COUNT, path), path).to.equal('0')
  })

  it('notices a volume that was removed by hand', async () => {
    const made = await tested.make(16n * MIB)
    await handMadeLvm('lvremove', '--yes', `${tested.group.name}/${made.name}`)
    expect(await tested.volumes.findVolume(made.handle)).to.equal(undefined)
    expect(await thrownBy(tested.volumes.prepareVolume(made.handle, EXT4))).to.have.property(
      'reason',
      'NotFound',
    )
    await tested.remove(made)
  })

  for (const erase of ['zero', 'discard'] as const)
    it(`leaves nothing of a block volume for the next one (erase ${erase})`, async () => {
      const size = 16n * MIB
      const first = await tested.make(size, { content: 'block', erase })
      const { devicePath } = await tested.volumes.prepareVolume(first.handle, BLOCK)
      const pattern = Buffer.alloc(Number(size), 'tenant-secret ')
      await writeAt(devicePath, 0, pattern)
      await tested.volumes.releaseVolume(first.handle)
      await tested.remove(first)
      const second = await tested.make(size, { content: 'block', erase })
      const { devicePath: next } = await tested.volumes.prepareVolume(second.handle, BLOCK)
      expect((await readFile(next)).equals(Buffer.alloc(Number(size)))).to.equal(true)
      for (const path of [disk(0), disk(1)])
        expect(await run('sh', '-c', PATTERN_COUNT, path), path).to.equal('0')
    })

  it('starts erasing again after a crash in the middle', async () => {
    const made = await tested.make(16n * MIB)
    const { devicePath } = await tested.volumes.prepareVolume(made.handle, EXT4)
    await writeAt(devicePath, 8 * 1024 * 1024, Buffer.alloc(4096, 1))
    await tested.volumes.releaseVolume(made.handle)
    const lv = `${tested.group.name}/${made.name}`
    await handMadeLvm('lvchange', '--deltag', 'loam.state=used', '--addtag', 'loam.state=erasing', lv)
    expect(await thrownBy(tested.volumes.prepareVolume(made.handle, EXT4))).to.be.instanceOf(Refused)
    await tested.remove(made)
    expect(tested.ranFile('blkdiscard')).to.equal(1)
    expect(await tested.volumes.findVolume(made.handle)).to.equal(undefined)
  })
})
