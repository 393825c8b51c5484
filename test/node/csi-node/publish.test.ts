import { mkdir, open, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { expect } from 'chai'

import { VolumeCapability_AccessMode_Mode as Mode } from '../../../csi-node/gen/csi.ts'
import { thrownBy } from '../../unit/csi-node/thrown-by.ts'
import { run } from '../lvm/fixture.ts'
import { CsiFixture, failureOf, mountedAt, type TestVolume } from './csi-fixture.ts'

const ONE_POD = { mode: Mode.SINGLE_NODE_SINGLE_WRITER }

describe('NodePublishVolume and NodeUnpublishVolume', function () {
  this.timeout(180_000)
  let fixture: CsiFixture
  let volume: TestVolume
  before(async () => {
    fixture = await CsiFixture.start()
    volume = await fixture.volume('ext4')
    await volume.stage({ mountFlags: ['noexec', 'noatime'] })
  })
  afterEach(() => fixture.clearPods())
  after(() => fixture.stop())

  const writeIn = (pod: string): Promise<void> => writeFile(join(volume.target(pod), 'file'), 'text')

  describe('read-only', () => {
    it('shows one pod what another may write', async () => {
      await volume.publish('writer')
      await volume.publish('reader', { readonly: true })
      await writeIn('writer')
      expect(await readFile(join(volume.target('reader'), 'file'), 'utf8')).to.equal('text')
      expect((await thrownBy(writeIn('reader'))).message).to.include('EROFS')
      const kept = ['ro', 'nosuid', 'nodev', 'noexec', 'noatime']
      expect((await mountedAt(volume.target('reader')))?.options).to.include.members(kept)
      await volume.publish('reader', { readonly: true })
      await writeIn('writer')
    })

    it('follows from an access mode that allows no writing', async () => {
      await volume.publish('reader', { mode: Mode.SINGLE_NODE_READER_ONLY })
      expect((await thrownBy(writeIn('reader'))).message).to.include('EROFS')
    })

    it('is not turned into writable', async () => {
      await volume.publish('reader', { readonly: true })
      const failure = await failureOf(volume.publish('reader'))
      expect(failure.code).to.equal('ALREADY_EXISTS')
      expect(failure.details).to.include('published there read-only, and is wanted writable')
    })

    it('is reached after a crash between the two steps of it', async () => {
      const target = volume.target('reader')
      await mkdir(target, { recursive: true })
      await run('mount', '--bind', volume.staging, target)
      await volume.publish('reader', { readonly: true })
      expect((await thrownBy(writeIn('reader'))).message).to.include('EROFS')
    })
  })

  describe('for one pod only', () => {
    it('refuses a second pod until the first has ended', async () => {
      await volume.publish('first', ONE_POD)
      await volume.publish('first', ONE_POD)
      const failure = await failureOf(volume.publish('second', ONE_POD))
      expect(failure.code).to.equal('FAILED_PRECONDITION')
      expect(failure.details).to.include(`published at "${volume.target('first')}"`)
      expect(await mountedAt(volume.target('second'))).to.equal(undefined)
      await volume.unpublish('first')
      await volume.publish('second', ONE_POD)
    })

    it('does not take what kubelet mounts for a subPath for a pod', async () => {
      await volume.publish('first', ONE_POD)
      await mkdir(join(volume.target('first'), 'sub'))
      const subPath = join(volume.target('first'), '../../../../volume-subpaths/pv/container/0')
      await mkdir(subPath, { recursive: true })
      await run('mount', '--bind', join(volume.target('first'), 'sub'), subPath)
      await volume.unpublish('first')
      await volume.publish('second', ONE_POD)
    })

    it('holds for a block volume, too', async () => {
      const block = await fixture.volume('block')
      await block.stage()
      await block.publish('first', ONE_POD)
      expect((await failureOf(block.publish('second', ONE_POD))).details).to.include('one pod only')
      await block.unpublish('first')
      await block.publish('second', ONE_POD)
    })
  })

  describe('the target', () => {
    it('is not published over when it has content, which stays', async () => {
      const target = volume.target('pod')
      await mkdir(target, { recursive: true })
      await writeFile(join(target, 'precious'), 'text')
      const failure = await failureOf(volume.publish('pod'))
      expect(failure.code).to.equal('FAILED_PRECONDITION')
      expect(failure.details).to.include('the directory is not empty')
      expect((await failureOf(volume.unpublish('pod'))).details).to.include('its files were left alone')
      expect(await readdir(target)).to.deep.equal(['precious'])
    })

    it('is left with what was put there while nothing was mounted', async () => {
      await volume.publish('pod')
      await run('umount', volume.target('pod'))
      await writeIn('pod')
      expect((await failureOf(volume.unpublish('pod'))).code).to.equal('FAILED_PRECONDITION')
      expect(await readdir(volume.target('pod'))).to.deep.equal(['file'])
    })

    it('may be reached through no link, and nothing is made behind one', async () => {
      const target = volume.target('pod')
      const elsewhere = join(dirname(dirname(target)), 'elsewhere')
      await mkdir(elsewhere, { recursive: true })
      await symlink(elsewhere, dirname(target))
      const onTheWay = await failureOf(volume.publishAt(target))
      expect(onTheWay.code).to.equal('INVALID_ARGUMENT')
      expect(onTheWay.details).to.include('symbolic link')
      await symlink(elsewhere, join(elsewhere, 'link'))
      expect((await failureOf(volume.publishAt(join(elsewhere, 'link')))).code).to.equal('INVALID_ARGUMENT')
      expect(await readdir(elsewhere)).to.deep.equal(['link'])
      expect(await mountedAt(elsewhere)).to.equal(undefined)
    })

    it('needs the directory around it', async () => {
      const failure = await failureOf(volume.publishAt(volume.target('nobody')))
      expect(failure.code).to.equal('INVALID_ARGUMENT')
      expect(failure.details).to.include('does not exist')
    })

    it('of another kind is refused', async () => {
      await volume.publish('pod')
      const block = await fixture.volume('block')
      await block.stage()
      expect((await failureOf(block.publishAt(volume.target('pod')))).code).to.equal('FAILED_PRECONDITION')
      await mkdir(block.target('pod'), { recursive: true })
      const failure = await failureOf(block.publish('pod'))
      expect(failure.code).to.equal('INVALID_ARGUMENT')
      expect(failure.details).to.include('is not a file')
    })

    it('with another volume on it is neither published over nor unmounted', async () => {
      const other = await fixture.volume('ext4', 1)
      await other.stage()
      await other.publish('pod')
      const target = other.target('pod')
      expect((await failureOf(volume.publishAt(target))).details).to.include('it is not volume')
      expect((await failureOf(volume.unpublishAt(target))).details).to.include('it was left alone')
      expect(await mountedAt(target)).to.include({ fileSystemType: 'ext4' })
    })
  })

  it('leave a mount that is in use, and unmount it when it no longer is', async () => {
    await volume.publish('pod')
    const file = await open(join(volume.target('pod'), 'open'), 'w')
    const failure = await failureOf(volume.unpublish('pod'))
    expect(failure.code).to.equal('FAILED_PRECONDITION')
    expect(failure.details).to.include('it is in use and stays mounted')
    await file.write('still works')
    await file.close()
    expect((await stat(join(volume.target('pod'), 'open'))).size).to.equal(11)
    await volume.unpublish('pod')
    expect(await readdir(dirname(volume.target('pod')))).to.deep.equal([])
  })
})
