import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

import { readMounts } from '../../../csi-node/mount-table.ts'
import { run } from '../lvm/fixture.ts'
import { KUBELET_DIRECTORY } from './csi-fixture.ts'

/** A directory on kubelet's paths, where it is kept while a link has its place, and what such links lead to. */
export interface SwapSite {
  readonly path: string
  readonly parked: string
  readonly decoys: readonly string[]
}

/** Not beneath kubelet's directory. */
const DECOY_DIRECTORY = '/run/loam-test/decoy'

/** What somebody finds who follows the link: a place to mount on, a mount to take away, or a place to make one. */
const VARIANTS = ['empty', 'mounted', 'absent'] as const

const makeEnd = async (end: string, kind: 'directory' | 'file'): Promise<void> => {
  if (kind === 'directory') await mkdir(end)
  else await writeFile(end, '')
}

const mountOn = async (end: string, kind: 'directory' | 'file'): Promise<void> => {
  if (kind === 'file') await run('mount', '--bind', '/dev/null', end)
  else {
    await run('mount', '--types', 'tmpfs', 'decoy', end)
    await writeFile(join(end, 'precious'), 'of somebody else')
  }
}

/** Everything outside of kubelet's directory that a link could lead to. */
export class Decoy {
  #sites = 0

  /** Links in place of `path` will lead to trees that go on as kubelet's does, down to `end`. */
  async site(path: string, end: string, kind: 'directory' | 'file'): Promise<SwapSite> {
    const number = this.#sites++
    const decoys: string[] = []
    for (const variant of VARIANTS) {
      const decoy = join(DECOY_DIRECTORY, String(number), variant)
      const decoyEnd = join(decoy, relative(path, end))
      await mkdir(dirname(decoyEnd), { recursive: true })
      if (variant !== 'absent') await makeEnd(decoyEnd, kind)
      if (variant === 'mounted') await mountOn(decoyEnd, kind)
      decoys.push(decoy)
    }
    const parked = join(KUBELET_DIRECTORY, 'pods/parked', String(number))
    await mkdir(dirname(parked), { recursive: true })
    return { path, parked, decoys }
  }

  /** Its mounts: what the kernel shows of them. */
  async mounts(): Promise<readonly string[]> {
    const mounts = (await readMounts()).filter(({ mountPoint }) => mountPoint.startsWith(DECOY_DIRECTORY))
    return mounts.map((mount) => JSON.stringify(mount)).sort()
  }

  /** Every file: kind, mode, owner, size, times, number of links; and the bytes of those that have any. */
  async files(): Promise<string> {
    const list = await run('find', DECOY_DIRECTORY, '-printf', '%p %y %m %U %s %n %T@ %C@ %l\\n')
    const content = await run('find', DECOY_DIRECTORY, '-type', 'f', '-exec', 'sha256sum', '{}', '+')
    return [...list.split('\n'), ...content.split('\n')].sort().join('\n')
  }

  async remove(): Promise<void> {
    const mounts = (await readMounts()).filter(({ mountPoint }) => mountPoint.startsWith(DECOY_DIRECTORY))
    for (const { mountPoint } of mounts.reverse()) await run('umount', mountPoint)
    await rm(DECOY_DIRECTORY, { recursive: true, force: true })
  }
}
