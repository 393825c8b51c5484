import { mkdir, mkdtemp, readdir, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'

import { InvalidField } from '../../../csi-node/errors.ts'
import { holdDirectory, holdFile, holdParent, requirePath } from '../../../csi-node/held-path.ts'
import { thrownBy } from './thrown-by.ts'

describe('requirePath', () => {
  it('takes a path beneath the kubelet directory', () => {
    expect(requirePath('/var/lib/kubelet', 'target_path', '/var/lib/kubelet/pods/a/mount')).to.deep.equal({
      field: 'target_path',
      path: '/var/lib/kubelet/pods/a/mount',
    })
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
  const place = (path: string) => ({ field: 'target_path', path: join(root, path) })

  it('leads to the directory', async () => {
    await using held = await holdDirectory(place('real'))
    expect((await readdir(held?.heldPath ?? '')).sort()).to.deep.equal(['file', 'inner', 'link'])
  })

  it('leads to the same directory after another one took its name', async () => {
    await using held = await holdDirectory(place('real'))
    await rename(join(root, 'real'), join(root, 'moved'))
    await mkdir(join(root, 'real'))
    expect(await readdir(held?.heldPath ?? '')).to.include('inner')
  })

  it('is undefined when nothing is there', async () => {
    expect(await holdDirectory(place('absent'))).to.equal(undefined)
    expect(await holdDirectory(place('absent/deeper'))).to.equal(undefined)
    expect(await holdParent(place('absent/deeper'))).to.equal(undefined)
  })

  it('refuses a link before the last part, and says where it leads', async () => {
    const error = await thrownBy(holdDirectory(place('link/inner')))
    expect(error).to.be.instanceOf(InvalidField)
    expect(error.message).to.include(`leads through a symbolic link to "${root}/real/inner"`)
  })

  it('refuses a link as the last part', async () => {
    const error = await thrownBy(holdDirectory(place('real/link')))
    expect(error.message).to.include('is a symbolic link')
  })

  it('refuses the other kind', async () => {
    expect((await thrownBy(holdDirectory(place('real/file')))).message).to.include('is not a directory')
    expect((await thrownBy(holdFile(place('real/inner')))).message).to.include('is not a file')
  })

  it('refuses a path that goes through a file', async () => {
    expect((await thrownBy(holdDirectory(place('real/file/x')))).message).to.include('ENOTDIR')
  })

  it('gives the entry of a parent that is reached without links', async () => {
    await using parent = await holdParent(place('real/new'))
    await mkdir(parent?.entry ?? '')
    expect(await readdir(join(root, 'real'))).to.include('new')
    expect(await thrownBy(holdParent(place('link/new')))).to.be.instanceOf(InvalidField)
  })
})
