import { randomUUID } from 'node:crypto'
import { open, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'

import { expect } from 'chai'
import { execa } from 'execa'

import { FILE_SYSTEMS } from '../../../core/volume-tags.ts'
import { VolumeUsage_Unit as Unit } from '../../../csi-node/gen/csi.ts'
import { eventually } from '../../support/eventually.ts'
import { CsiFixture, mountedAt, type TestVolume } from './csi-fixture.ts'

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

const twice = async (act: () => Promise<unknown>): Promise<void> => {
  await act()
  await act()
}

describe('the life of a volume', function () {
  this.timeout(180_000)
  let fixture: CsiFixture
  before(async () => {
    fixture = await CsiFixture.start()
  })
  afterEach(() => fixture.clearAll())
  after(() => fixture.stop())

  const use = async (volume: TestVolume): Promise<void> => {
    await twice(() => volume.stage())
    await twice(() => volume.publish('pod'))
  }
  const leave = async (volume: TestVolume): Promise<void> => {
    await twice(() => volume.unpublish('pod'))
    await twice(() => volume.unstage())
  }

  for (const fileSystem of FILE_SYSTEMS) {
    it(`keeps data on ${fileSystem} through stage, publish, unpublish and unstage, each called twice`, async () => {
      const volume = await fixture.volume(fileSystem)
      const target = volume.target('pod')
      await use(volume)
      const mount = await mountedAt(target)
      expect(mount).to.include({ fileSystemType: fileSystem })
      expect(mount?.options).to.include.members(['rw', 'nosuid', 'nodev'])
      const precious = randomUUID()
      await writeFile(join(target, 'data'), precious, { flush: true })

      await leave(volume)
      expect(await exists(target)).to.equal(false)
      expect(await mountedAt(volume.staging)).to.equal(undefined)
      expect(await exists(volume.staging)).to.equal(true)
      expect(await fixture.isActive(volume)).to.equal(false)

      await use(volume)
      expect(await readFile(join(target, 'data'), 'utf8')).to.equal(precious)
    })
  }

  it('keeps data on a block volume', async () => {
    const volume = await fixture.volume('block')
    const target = volume.target('pod')
    await use(volume)
    expect((await stat(target)).isBlockDevice()).to.equal(true)
    const device = await open(target, 'r+')
    await device.write('precious', 0)
    await device.sync()
    await device.close()

    await leave(volume)
    expect(await exists(target)).to.equal(false)
    expect(await fixture.isActive(volume)).to.equal(false)

    await use(volume)
    const again = await open(target, 'r')
    const { buffer } = await again.read(Buffer.alloc(8), 0, 8, 0)
    await again.close()
    expect(buffer.toString()).to.equal('precious')
  })

  it('goes on when the agent is replaced while the volume is in use', async () => {
    const before = await fixture.volume('ext4')
    await use(before)
    await using file = await open(join(before.target('pod'), 'data'), 'w')
    await fixture.restart()
    await file.write('written while it was replaced')
    await file.sync()
    const after = await fixture.volume('ext4')
    await use(after)
    expect(await readFile(join(after.target('pod'), 'data'), 'utf8')).to.equal(
      'written while it was replaced',
    )
    await file.close()
    await leave(after)
    expect(await fixture.isActive(after)).to.equal(false)
  })

  it('shows bytes and inodes of a file system, and the size of a block volume', async () => {
    const volume = await fixture.volume('ext4')
    await use(volume)
    const { usage } = await volume.stats(volume.target('pod'))
    expect(usage.map(({ unit }) => unit)).to.deep.equal([Unit.BYTES, Unit.INODES])
    for (const { total, used, available } of usage) {
      expect(
        total > 0n && used > 0n && used + available <= total,
        `${used} + ${available} of ${total}`,
      ).to.equal(true)
    }
    const block = await fixture.volume('block')
    await use(block)
    expect((await block.stats(block.target('pod'))).usage).to.deep.equal([
      { unit: Unit.BYTES, total: 16n * 1024n * 1024n, used: 0n, available: 0n },
    ])
  })

  it('says when a file system is full, and when it met an error', async () => {
    const volume = await fixture.volume('ext4', 7)
    await use(volume)
    const condition = async () => (await volume.stats(volume.staging)).volumeCondition
    expect(await condition()).to.deep.equal({ abnormal: false, message: 'nothing is wrong with it' })
    const file = join(volume.staging, 'all')
    const { stderr } = await execa('dd', ['if=/dev/zero', `of=${file}`, 'bs=64k'], { reject: false })
    expect(stderr).to.include('No space left')
    expect((await condition())?.message).to.equal('no space is left')
    await rm(file)
    const device = await realpath((await mountedAt(volume.staging))?.source ?? '')
    await writeFile(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, 'a test')
    // ext4 counts it a moment later, when it writes its superblock
    const abnormal = await eventually('ext4 counts the error', async () => {
      const found = await condition()
      return found?.abnormal === true && found
    })
    expect(abnormal.message).to.match(/^ext4 has met 1 errors/)
  })

  it('shows no inodes for btrfs, which has no fixed number of them', async () => {
    const volume = await fixture.volume('btrfs')
    await use(volume)
    const { usage } = await volume.stats(volume.staging)
    expect(usage.map(({ unit }) => unit)).to.deep.equal([Unit.BYTES])
  })
})
