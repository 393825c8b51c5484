import { expect } from 'chai'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { DiskPresence } from '../../../lvm/disk-presence.ts'

describe('lvm/disk-presence', () => {
  let directory: string
  let presence: DiskPresence
  const link = (name: string): string => join(directory, name)
  const lead = async (name: string, to: string): Promise<void> => {
    await rm(link(name), { force: true })
    await symlink(to, link(name))
  }
  const note = (name: string, ...paths: string[]): Promise<void> =>
    presence.note({ name, clusterId: 'c1', disks: paths.map((path) => ({ path: link(path) })) })

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'loam-'))
    presence = new DiskPresence()
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('tells of a path that leads to a device now, to none, or to another one, and of each change once', async () => {
    await lead('b', '/dev/null')
    await note('fast', 'a', 'b')
    await note('slow', 'c')
    expect(await presence.changed()).to.deep.equal([])
    await lead('a', '/dev/null')
    expect(await presence.changed()).to.deep.equal(['fast'])
    expect(await presence.changed()).to.deep.equal([])
    await lead('a', '/dev/zero')
    await lead('b', '/dev/zero')
    await lead('c', '/dev/null')
    expect(await presence.changed()).to.deep.equal(['fast', 'slow'])
    await rm(link('a'))
    expect(await presence.changed()).to.deep.equal(['fast'])
  })

  it('does not take for old what came after the path was noted first', async () => {
    await note('fast', 'a')
    await lead('a', '/dev/null')
    await note('fast', 'a')
    expect(await presence.changed()).to.deep.equal(['fast'])
  })

  it('watches disks that were listed once, and none of a group that is forgotten', async () => {
    const recordedDisks = [{ path: link('old'), id: '', sizeBytes: 1n, physicalVolumeUuid: 'u' }]
    await presence.note({ name: 'fast', clusterId: 'c1', disks: [], recordedDisks })
    await lead('old', '/dev/null')
    expect(await presence.changed()).to.deep.equal(['fast'])
    presence.forget('fast')
    await rm(link('old'))
    expect(await presence.changed()).to.deep.equal([])
  })
})
