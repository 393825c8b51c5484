import { mkdir, readdir, rename, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { expect } from 'chai'

import { run } from '../lvm/fixture.ts'
import { CsiFixture, failureOf, mountedAt } from './csi-fixture.ts'

describe('NodeStageVolume and NodeUnstageVolume', function () {
  this.timeout(180_000)
  let fixture: CsiFixture
  before(async () => {
    fixture = await CsiFixture.start()
  })
  afterEach(() => fixture.clearAll())
  after(() => fixture.stop())

  it('mount with the options that are asked for', async () => {
    const volume = await fixture.volume('ext4')
    await volume.stage({ mountFlags: ['noatime', 'noexec', 'commit=30'] })
    expect((await mountedAt(volume.staging))?.options).to.include.members([
      'nosuid',
      'nodev',
      'noatime',
      'noexec',
    ])
    expect(await run('findmnt', '--noheadings', '--output', 'FS-OPTIONS', volume.staging)).to.include(
      'commit=30',
    )
  })

  it('leave alone what is mounted at the path and is another volume', async () => {
    const [volume, other] = [await fixture.volume('ext4'), await fixture.volume('ext4', 1)]
    await other.stage({}, volume.staging)
    const staged = await failureOf(volume.stage())
    expect(staged.code).to.equal('FAILED_PRECONDITION')
    expect(staged.details).to.include(`it is not volume "${volume.id}"`)
    expect((await failureOf(volume.unstage())).code).to.equal('FAILED_PRECONDITION')
    expect((await failureOf(volume.publish('pod'))).details).to.include('NodeStageVolume comes first')
    expect(await mountedAt(volume.staging)).to.include({ fileSystemType: 'ext4' })
    await other.unstage(volume.staging)
    await volume.stage()
  })

  it('leave alone a btrfs that is another volume: the mount table has no device number for it', async () => {
    const [volume, other] = [await fixture.volume('btrfs'), await fixture.volume('btrfs', 1)]
    await other.stage({}, volume.staging)
    expect((await failureOf(volume.stage())).code).to.equal('FAILED_PRECONDITION')
    expect((await failureOf(volume.unstage())).code).to.equal('FAILED_PRECONDITION')
    expect(await mountedAt(volume.staging)).to.include({ fileSystemType: 'btrfs' })
    await other.unstage(volume.staging)
  })

  it('leave alone a file system that is no volume at all', async () => {
    const volume = await fixture.volume('ext4')
    await mkdir(volume.staging, { recursive: true })
    await run('mount', '-t', 'tmpfs', 'none', volume.staging)
    expect((await failureOf(volume.stage())).details).to.include('"none" (tmpfs) is mounted there')
    expect((await failureOf(volume.unstage())).details).to.include('it was left alone')
    expect(await mountedAt(volume.staging)).to.include({ fileSystemType: 'tmpfs' })
    expect(await fixture.isActive(volume)).to.equal(false)
  })

  it('refuse another file system than the staged one', async () => {
    const volume = await fixture.volume('ext4')
    await volume.stage()
    const failure = await failureOf(volume.stage({ fsType: 'xfs' }))
    expect(failure.code).to.equal('ALREADY_EXISTS')
    expect(failure.details).to.include('is staged there as ext4, and xfs is wanted')
  })

  it('refuse another file system than the volume was made for, and change nothing', async () => {
    const volume = await fixture.volume('ext4')
    await volume.stage()
    await volume.unstage()
    expect((await failureOf(volume.stage({ fsType: 'xfs' }))).code).to.equal('FAILED_PRECONDITION')
    expect(await mountedAt(volume.staging)).to.equal(undefined)
    await volume.stage()
  })

  it('refuse a link on the way and at the end, before anything is done', async () => {
    const volume = await fixture.volume('ext4')
    const elsewhere = join(dirname(dirname(volume.staging)), 'elsewhere')
    await mkdir(join(elsewhere, 'globalmount'), { recursive: true })
    await symlink(elsewhere, dirname(volume.staging))
    const onTheWay = await failureOf(volume.stageAt(volume.staging))
    expect(onTheWay.code).to.equal('INVALID_ARGUMENT')
    expect(onTheWay.details).to.include(`"${dirname(volume.staging)}" is a symbolic link`)
    await symlink('globalmount', join(elsewhere, 'link'))
    expect((await failureOf(volume.stageAt(join(elsewhere, 'link')))).details).to.include(
      'is a symbolic link',
    )
    expect(await mountedAt(join(elsewhere, 'globalmount'))).to.equal(undefined)
    expect(await fixture.isActive(volume)).to.equal(false)
  })

  it('say what mount said when the kernel refuses', async () => {
    const volume = await fixture.volume('xfs')
    const failure = await failureOf(volume.stage({ mountFlags: ['allocsize=3k'] }))
    expect(failure.code).to.equal('INTERNAL')
    expect(failure.details)
      .to.include(volume.staging)
      .and.match(/mount failed, exit status 32: .+/)
    await volume.stage()
  })

  describe('with an SELinux label', () => {
    const label = 'context="system_u:object_r:container_file_t:s0:c15,c25"'

    it('refuse to leave a volume mounted without it, as mount(8) does where it sees no SELinux', async () => {
      const volume = await fixture.volume('ext4')
      const failure = await failureOf(volume.stage({ mountFlags: [label] }))
      expect(failure.code).to.equal('INTERNAL')
      expect(failure.details).to.include('mount left the SELinux label out, and it was unmounted again')
      expect(await mountedAt(volume.staging)).to.equal(undefined)
      await volume.stage()
    })

    it('refuse, and leave mounted, what is mounted without it', async () => {
      const volume = await fixture.volume('ext4')
      await volume.stage()
      for (const refused of [
        () => volume.stage({ mountFlags: [label] }),
        () => volume.publish('pod', { mountFlags: [label] }),
      ]) {
        const failure = await failureOf(refused())
        expect(failure.code).to.equal('ALREADY_EXISTS')
        expect(failure.details).to.include('is staged there without an SELinux label, and is wanted with')
      }
      expect(await mountedAt(volume.staging)).to.include({ fileSystemType: 'ext4' })
      expect(await mountedAt(volume.target('pod'))).to.equal(undefined)
    })
  })

  it('unmount all of it when it was mounted there more than once', async () => {
    const volume = await fixture.volume('ext4')
    await volume.stage()
    await run('mount', '--bind', volume.staging, volume.staging)
    await volume.unstage()
    expect(await mountedAt(volume.staging)).to.equal(undefined)
    expect(await fixture.isActive(volume)).to.equal(false)
  })

  it('do not deactivate a volume that is still published, and do so once it is not', async () => {
    const volume = await fixture.volume('ext4')
    await volume.stage()
    await volume.publish('pod')
    expect((await failureOf(volume.unstage())).code).to.equal('FAILED_PRECONDITION')
    expect(await mountedAt(volume.target('pod'))).to.include({ fileSystemType: 'ext4' })
    await volume.unpublish('pod')
    await volume.unstage()
    expect(await fixture.isActive(volume)).to.equal(false)
  })

  it('keep the directory that the caller made, with what is in it', async () => {
    const volume = await fixture.volume('ext4')
    await volume.stage()
    await volume.unstage()
    await rename(volume.staging, `${volume.staging}.old`)
    await volume.unstage()
    expect(await readdir(dirname(volume.staging))).to.deep.equal(['globalmount.old'])
  })
})
