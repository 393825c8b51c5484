import { readFile } from 'node:fs/promises'

import { dropLoop, makeLoop, writeAt, writeGpt, writeLuksHeader, writeMbr } from '../node/lvm/arrange.ts'
import { handMadeLvm, run, settle, sha256 } from '../node/lvm/fixture.ts'
import { demand } from './invariants.ts'

/** A disk that is not ours, listed in a class by mistake. */
interface Canary extends Kind {
  readonly what: string
  readonly path: string
}

interface Kind {
  readonly write: (path: string) => Promise<unknown>
  /** What is to be undone before the device can go. */
  readonly undo?: () => Promise<unknown>
}

const MIB = 1024 * 1024
/** Large enough to be taken if it were blank: a disk that is refused for its size proves nothing. */
const SIZE_MIB = 72
const MOUNT_POINT = '/run/loam-test/canary'
const ARRAY = '/dev/md/loam-canary'

/** mkfs.xfs wants 300 MiB; its first MiB says that it is one. */
const writeXfs = async (path: string): Promise<void> => {
  const large = '/run/loam-test/xfs.img'
  await run('truncate', '--size', '320M', large)
  await run('mkfs.xfs', '-q', large)
  await run('dd', `if=${large}`, `of=${path}`, 'bs=1M', 'count=1', 'conv=fsync', 'status=none')
  await run('rm', large)
}

const writeAndMount = async (path: string): Promise<void> => {
  await run('mkfs.ext4', '-q', path)
  await run('mkdir', '--parents', MOUNT_POINT)
  // so that the mount itself writes nothing
  await run('mount', '-o', 'ro,noload', path, MOUNT_POINT)
}

const writeMember = async (path: string): Promise<void> => {
  const array = ['--level=1', '--raid-devices=2', '--metadata=1.2', '--run', '--force']
  await run('mdadm', '--create', ARRAY, ...array, path, 'missing')
}

const KINDS: Readonly<Record<string, Kind>> = {
  ext4: { write: (path) => run('mkfs.ext4', '-q', path) },
  xfs: { write: writeXfs },
  swap: { write: (path) => run('mkswap', path) },
  GPT: { write: (path) => writeGpt(path, false) },
  MBR: { write: (path) => writeMbr(path, true) },
  LUKS: { write: writeLuksHeader },
  'data in the middle': {
    write: (path) => writeAt(path, 13 * MIB, Buffer.alloc(MIB, 'somebody else wrote this ')),
  },
  'foreign PhysicalVolume': { write: (path) => handMadeLvm('pvcreate', path) },
  'foreign volume group': { write: (path) => handMadeLvm('vgcreate', 'foreign', path) },
  'mounted ext4': { write: writeAndMount, undo: () => run('umount', MOUNT_POINT) },
  'member of an md array': { write: writeMember, undo: () => run('mdadm', '--stop', ARRAY) },
}

/** Disks that nothing may ever be written to. */
export class Canaries {
  readonly #canaries: readonly Canary[]
  readonly #digests: ReadonlyMap<string, string>

  private constructor(canaries: readonly Canary[], digests: ReadonlyMap<string, string>) {
    this.#canaries = canaries
    this.#digests = digests
  }

  /** Makes one of each kind. */
  static async make(): Promise<Canaries> {
    const canaries: Canary[] = []
    for (const [index, [what, kind]] of Object.entries(KINDS).entries()) {
      const path = await makeLoop(`canary-${index}`, SIZE_MIB)
      await kind.write(path)
      canaries.push({ what, path, ...kind })
    }
    await settle()
    const digests = new Map<string, string>()
    for (const { path } of canaries) digests.set(path, await sha256(path))
    return new Canaries(canaries, digests)
  }

  get paths(): readonly string[] {
    return this.#canaries.map(({ path }) => path)
  }

  /** I3: not one byte of them has changed. @throws Violation. */
  async check(): Promise<void> {
    for (const { what, path } of this.#canaries)
      demand((await sha256(path)) === this.#digests.get(path), `I3: the disk with ${what} has changed`)
  }

  async remove(): Promise<void> {
    for (const { path, undo } of this.#canaries) {
      await undo?.()
      await dropLoop(path)
    }
  }
}

/** Bytes at the start of a file system that was made elsewhere: enough to be recognised. */
export const headOfExt4 = async (): Promise<Buffer> => {
  const file = '/run/loam-test/head.img'
  await run('mkdir', '--parents', '/run/loam-test')
  await run('truncate', '--size', '16M', file)
  await run('mkfs.ext4', '-q', file)
  const bytes = (await readFile(file)).subarray(0, 64 * 1024)
  await run('rm', file)
  return bytes
}
