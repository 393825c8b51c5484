import { renameSync, symlinkSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { expect } from 'chai'
import { execaSync } from 'execa'

import { readMounts } from '../../../csi-node/mount-table.ts'
import { atFailpoint } from '../../faults/at-failpoint.ts'
import { run } from '../lvm/fixture.ts'
import { CsiFixture, failureOf, KUBELET_DIRECTORY, mountedAt, type TestVolume } from './csi-fixture.ts'

describe('paths of a request', function () {
  this.timeout(180_000)
  let fixture: CsiFixture
  let volume: TestVolume
  let target: string
  before(async () => {
    fixture = await CsiFixture.start()
    volume = await fixture.volume('ext4')
    target = volume.target('pod')
  })
  beforeEach(() => volume.stage())
  afterEach(() => fixture.clearAll())
  after(() => fixture.stop())

  const mountPoints = async (): Promise<string[]> =>
    (await readMounts())
      .map(({ mountPoint }) => mountPoint)
      .filter((mountPoint) => mountPoint.startsWith(KUBELET_DIRECTORY))

  describe('that are moved away while the volume is mounted there', () => {
    it('have nothing mounted on them: the target', async () => {
      const moved = atFailpoint('before.bind-mount', () => renameSync(target, `${target}.moved`))
      const failure = await failureOf(volume.publish('pod'))
      expect(moved.wasPassed()).to.equal(true)
      expect(failure.code).to.equal('INTERNAL')
      expect(failure.details).to.include(target).and.to.include('nothing is mounted there')
      expect(await mountPoints()).to.deep.equal([volume.staging])
      await volume.publish('pod')
    })

    it('have nothing mounted on them: the directory around the target', async () => {
      const parent = dirname(target)
      const moved = atFailpoint('before.bind-mount', () => renameSync(parent, `${parent}.moved`))
      expect((await failureOf(volume.publish('pod'))).details).to.include('nothing is mounted there')
      expect(moved.wasPassed()).to.equal(true)
      expect(await mountPoints()).to.deep.equal([volume.staging])
    })

    it('have nothing mounted on them: the staging path', async () => {
      await volume.unstage()
      const { staging } = volume
      const moved = atFailpoint('before.mount-device', () => renameSync(staging, `${staging}.moved`))
      expect((await failureOf(volume.stage())).details).to.include('nothing is mounted there')
      expect(moved.wasPassed()).to.equal(true)
      expect(await mountPoints()).to.deep.equal([])
      await volume.stage()
    })
  })

  /** Something of somebody else that is mounted in a directory `mount`. */
  const mountOther = async (): Promise<{ directory: string; mountPoint: string }> => {
    const directory = join(KUBELET_DIRECTORY, 'pods/other')
    const mountPoint = join(directory, 'mount')
    await mkdir(mountPoint, { recursive: true })
    await run('mount', '--types', 'tmpfs', 'other', mountPoint)
    return { directory, mountPoint }
  }

  describe('that lead elsewhere by the time of the change', () => {
    it('have nothing mounted where they lead', async () => {
      const elsewhere = join(KUBELET_DIRECTORY, 'pods/elsewhere')
      await mkdir(elsewhere, { recursive: true })
      const swapped = atFailpoint('before.bind-mount', () => {
        renameSync(target, `${target}.moved`)
        symlinkSync(elsewhere, target)
      })
      expect((await failureOf(volume.publish('pod'))).details).to.include('nothing is mounted there')
      expect(swapped.wasPassed()).to.equal(true)
      expect(await mountPoints()).to.deep.equal([volume.staging])
    })

    it('have nothing unmounted where they lead', async () => {
      await volume.publish('pod')
      const other = await mountOther()
      const parent = dirname(target)
      const swapped = atFailpoint('before.unmount', () => {
        renameSync(parent, `${parent}.moved`)
        symlinkSync(other.directory, parent)
      })
      await volume.unpublish('pod')
      expect(swapped.wasPassed()).to.equal(true)
      expect(await mountPoints()).to.have.members([volume.staging, other.mountPoint])
    })
  })

  it('make nobody else read-only whose mount takes the place of the pod’s', async () => {
    const { mountPoint: other } = await mountOther()
    const swapped = atFailpoint('before.restrict-mount', () => {
      execaSync('umount', ['--lazy', target])
      renameSync(target, `${target}.moved`)
      symlinkSync(other, target)
    })
    expect((await failureOf(volume.publish('pod', { readonly: true }))).code).to.equal('INTERNAL')
    expect(swapped.wasPassed()).to.equal(true)
    expect((await mountedAt(other))?.options).to.include('rw')
  })

  describe('that lie within a volume', () => {
    let within: string
    beforeEach(async () => {
      await volume.publish('pod')
      within = join(target, 'of-the-pod')
    })

    it('are not published at, and nothing is made there', async () => {
      const failure = await failureOf(volume.publishAt(within))
      expect(failure.code).to.equal('INVALID_ARGUMENT')
      expect(failure.details).to.include(`"${within}" lies within something that is mounted`)
      expect(await readdir(target)).to.deep.equal(['lost+found'])
    })

    it('are not removed', async () => {
      await mkdir(within)
      expect((await failureOf(volume.unpublishAt(within))).code).to.equal('INVALID_ARGUMENT')
      expect(await readdir(target)).to.include('of-the-pod')
    })

    it('are not staged at', async () => {
      expect((await failureOf(volume.stage({}, within))).code).to.equal('INVALID_ARGUMENT')
      expect(await mountPoints()).to.have.members([volume.staging, target])
    })
  })

  it('may lie on a file system of their own that pods or plugins have', async () => {
    const pods = join(KUBELET_DIRECTORY, 'pods')
    await mkdir(pods, { recursive: true })
    await run('mount', '--types', 'tmpfs', 'pods', pods)
    try {
      await volume.publish('pod')
      expect(await mountedAt(target)).to.include({ fileSystemType: 'ext4' })
      await volume.unpublish('pod')
    } finally {
      await run('umount', pods)
    }
  })
})
