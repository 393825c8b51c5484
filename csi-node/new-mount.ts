import { readlink } from 'node:fs/promises'
import { dirname } from 'node:path'

import { messageOf } from '../core/errors.ts'
import { MountFailed } from './errors.ts'
import { holdMounted, type HeldMount } from './held-mount.ts'
import { holdParent, type HeldParent, type HeldPath } from './held-path.ts'
import type { NodeContext } from './node-context.ts'
import { unmountVolume } from './unmount-volume.ts'

/** Directories on the way that move while they are looked for. */
const MAX_TRIES = 10

const unmountThere = async (context: NodeContext, path: string, volumeId: string): Promise<void> => {
  await using parent = await holdParent({ field: 'mount point', path, base: dirname(path) })
  if (parent === undefined) throw new MountFailed(path, 'its directory is gone')
  await unmountVolume(context, parent, volumeId)
}

/**
 * Unmounts the volume from a mount point that has another name by now. The mount point itself cannot be renamed any
 * more, only the directories that it is in.
 */
const takeBack = async (
  context: NodeContext,
  mountPoint: HeldPath,
  volumeId: string,
): Promise<string | undefined> => {
  let outcome: string | undefined
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const path = await readlink(mountPoint.heldPath)
    outcome = await unmountThere(context, path, volumeId).then(
      () => undefined,
      (error: unknown) => `it was mounted at "${path}", and could not be unmounted: ${messageOf(error)}`,
    )
    if (outcome === undefined) return undefined
  }
  return outcome
}

/**
 * What was mounted a moment ago on a held directory or file, which has to be at its path still. When somebody moved it
 * away meanwhile the mount is taken back: nobody would ever unmount it there.
 * @throws MountFailed
 */
export const requireMounted = async (
  context: NodeContext,
  parent: HeldParent,
  mountPoint: HeldPath,
  volumeId: string,
): Promise<HeldMount> => {
  const mounted = await holdMounted(parent)
  if (mounted?.mount.mountPoint === parent.place.path) return mounted
  await mounted?.[Symbol.asyncDispose]()
  const left = await takeBack(context, mountPoint, volumeId)
  throw new MountFailed(
    parent.place.path,
    `mount reported success, and nothing is mounted there${left === undefined ? '' : `: ${left}`}`,
  )
}
