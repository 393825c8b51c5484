import { mkdir, mkdtemp, readdir, readlink, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { InvalidField } from '../../../csi-node/errors.ts'
import {
  holdEntry,
  holdMountRoot,
  holdParent,
  requirePath,
  type HeldPath,
} from '../../../csi-node/held-path.ts'
import { thrownBy } from './thrown-by.ts'

describe('requirePath', () => {
  it('takes a path beneath the kubelet directory', () => {
    expect(requirePath('/var/lib/kubelet', 'target_path', '/var/lib/kubelet/pods/a/mount')).to.deep.equal({
      field: 'target_path',
      path: '/var/lib/kubelet/pods/a/mount',
      base: '/var/lib/kubelet/pods',
    })
  })

  it('lets no mount be between kubelet directory and a path directly in it', () => {
    expect(requirePath('/var/lib/kubelet', 'target_path', '/var/lib/kubelet/a').base).to.equal(
      '/var/lib/kubelet',
    )
  })

  const refused = [
    '',
    'pods/a',
    '/',
    '/var/lib/kubelet',
    '/var/lib/kubelet/',
    '/var/lib/kubelet/pods/',
    '/var/lib/kubelet-other/pods',
    '/var/lib/kubelet/../docker',
    '/var/lib/kubelet/pods/../../etc',
    '/var/lib/kubelet//pods',
    '/var/lib/kubelet/./pods',
    '/etc/passwd',
  ]
  for (const path of refused) {
    it(`refuses "${path}" and names field, path and directory`, () => {
      expect(() => requirePath('/var/lib/kubelet', 'target_path', path))
        .to.throw(InvalidField)
        .with.property('message')
        .that.matches(/^target_path: ".*beneath "\/var\/lib\/kubelet"/)
    })
  }
})

describe('a held path', () => {
  let root: string
  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'loam-held-')))
    await mkdir(join(root, 'real/inner'), { recursive: true })
    await writeFile(join(root, 'real/file'), '')
    await symlink('real', join(root, 'link'))
    await symlink('inner', join(root, 'real/link'))
  })
  afterEach(() => rm(root, { recursive: true }))
  const place = (path: string) => ({ field: 'target_path', path: join(root, path), base: root })
  const holdDirectory = async (path: string): Promise<HeldPath | undefined> => {
    await using parent = await holdParent(place(path))
    return parent === undefined ? undefined : await holdEntry(parent, 'directory')
  }
  const holdFile = async (path: string): Promise<HeldPath | undefined> => {
    await using parent = await holdParent(place(path))
    return parent === undefined ? undefined : await holdEntry(parent, 'file')
  }

  it('leads to the directory', async () => {
    await using held = await holdDirectory('real')
    expect((await readdir(held?.heldPath ?? '')).sort()).to.deep.equal(['file', 'inner', 'link'])
  })

  it('leads to the same directory after another one took its name', async () => {
    await using held = await holdDirectory('real')
    await rename(join(root, 'real'), join(root, 'moved'))
    await mkdir(join(root, 'real'))
    expect(await readdir(held?.heldPath ?? '')).to.include('inner')
  })

  it('leads to what the held directory has, after another one took its name', async () => {
    await using parent = await holdParent(place('real/file'))
    await rename(join(root, 'real'), join(root, 'moved'))
    await symlink('moved/inner', join(root, 'real'))
    if (parent === undefined) throw new Error('nothing is held')
    await using file = await holdEntry(parent, 'file')
    expect(await readlink(file?.heldPath ?? '')).to.equal(join(root, 'moved/file'))
  })

  it('is undefined when nothing is there', async () => {
    expect(await holdDirectory('absent')).to.equal(undefined)
    expect(await holdDirectory('absent/deeper')).to.equal(undefined)
    expect(await holdParent(place('absent/deeper'))).to.equal(undefined)
  })

  it('refuses a link before the last two parts, and says where it leads', async () => {
    const error = await thrownBy(holdParent(place('link/inner/new')))
    expect(error).to.be.instanceOf(InvalidField)
    expect(error.message).to.include(`leads through a symbolic link to "${root}/real/inner"`)
  })

  it('refuses a link before the last part', async () => {
    const error = await thrownBy(holdParent(place('link/inner')))
    expect(error).to.be.instanceOf(InvalidField)
    expect(error.message).to.include(`"${root}/link" is a symbolic link`)
  })

  it('refuses a link as the last part', async () => {
    const error = await thrownBy(holdDirectory('real/link'))
    expect(error.message).to.include(`"${root}/real/link" is a symbolic link`)
  })

  it('refuses the other kind', async () => {
    expect((await thrownBy(holdDirectory('real/file'))).message).to.include('is not a directory')
    expect((await thrownBy(holdFile('real/inner'))).message).to.include('is not a file')
  })

  it('refuses a path that goes through a file', async () => {
    expect((await thrownBy(holdParent(place('real/file/x')))).message).to.include('is not a directory')
    expect((await thrownBy(holdParent(place('real/file/x/y')))).message).to.include('ENOTDIR')
  })

  it('refuses a path that crosses a mount on its way', async () => {
    const inProc = { field: 'target_path', path: '/proc/sys/new', base: '/' }
    expect((await thrownBy(holdParent(inProc))).message).to.include('something that is mounted beneath "/"')
    await using parent = await holdParent({ ...inProc, base: '/proc' })
    expect(parent).to.have.property('mountId')
  })

  it('tells what is mounted on the last part from what is not', async () => {
    await using top = await holdParent({ field: 'target_path', path: '/proc', base: '/' })
    await using parent = await holdParent(place('real'))
    if (top === undefined || parent === undefined) throw new Error('nothing is held')
    await using mounted = await holdMountRoot(top)
    expect(await readlink(mounted?.heldPath ?? '')).to.equal('/proc')
    expect((await thrownBy(holdEntry(top, 'directory'))).message).to.include('something was mounted there')
    expect(await holdMountRoot(parent)).to.equal(undefined)
  })
})
