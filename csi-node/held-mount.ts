import type { Mount } from '../lvm/mounts.ts'
import { MountFailed } from './errors.ts'
import { holdMountRoot, type HeldParent, type HeldPath } from './held-path.ts'
import { readMounts } from './mount-table.ts'

/** The root of something mounted, held open, and its line in the mount table: surely the same. */
export interface HeldMount extends HeldPath {
  readonly mount: Mount
}

/**
 * What is mounted on the last part of a path; undefined when nothing is. It is found by what the kernel opens there and
 * not by the text of the path, which may lead elsewhere a moment later.
 * @throws MountFailed when it was unmounted meanwhile.
 */
export const holdMounted = async (parent: HeldParent): Promise<HeldMount | undefined> => {
  const root = await holdMountRoot(parent)
  if (root === undefined) return undefined
  try {
    const mount = (await readMounts()).find(({ id }) => id === root.mountId)
    if (mount !== undefined) return { ...root, mount }
    throw new MountFailed(parent.place.path, 'what was mounted there is not in the mount table any more')
  } catch (error) {
    await root[Symbol.asyncDispose]()
    throw error
  }
}
