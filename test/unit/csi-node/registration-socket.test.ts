import { mkdtemp, mkdir, readdir, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { registrationSocketName, removeEarlierSockets } from '../../../csi-node/registration-socket.ts'

describe('registration-socket', () => {
  let kubeletDirectory: string
  const registry = () => join(kubeletDirectory, 'plugins_registry')
  /** A socket file that outlives who listened, as a power cut leaves it. */
  const leaveSocket = async (name: string): Promise<void> => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(registry(), 'bound'), resolve))
    await rename(join(registry(), 'bound'), join(registry(), name))
    await new Promise((resolve) => server.close(resolve))
  }

  beforeEach(async () => {
    kubeletDirectory = await realpath(await mkdtemp(join(tmpdir(), 'loam-csi-')))
    await mkdir(registry())
  })
  afterEach(() => rm(kubeletDirectory, { recursive: true }))

  it('has a name of this boot, always the same', () => {
    expect(registrationSocketName()).to.match(/^loam\.storage-[0-9a-f]{8}-reg\.sock$/)
    expect(registrationSocketName()).to.equal(registrationSocketName())
  })

  it('goes when it is of an earlier boot, and nothing else does', async () => {
    const kept = [
      registrationSocketName(),
      'another.driver-0123abcd-reg.sock',
      'loamxstorage-0123abcd-reg.sock',
    ]
    for (const name of [...kept, 'loam.storage-0123abcd-reg.sock']) await leaveSocket(name)
    await writeFile(join(registry(), 'loam.storage-4567abcd-reg.sock'), 'no socket')
    await removeEarlierSockets(kubeletDirectory)
    const left = await readdir(registry())
    expect(left.sort()).to.deep.equal([...kept, 'loam.storage-4567abcd-reg.sock'].sort())
  })
})
