import { mkdir, open, readdir, stat } from 'node:fs/promises'

import { messageOf } from '../core/errors.ts'
import { atStep } from '../core/failpoints.ts'
import { InvalidField, MountFailed, PathOccupied } from './errors.ts'
import { holdEntry, type HeldParent, type HeldPath } from './held-path.ts'
import { codeOf } from './system-error.ts'

/** A file system is shown on a directory, a block device on a file. */
export type TargetKind = 'directory' | 'file'

const make = async ({ entry, place }: HeldParent, kind: TargetKind): Promise<void> => {
  const made = atStep('make-mount-point', () =>
    kind === 'directory'
      ? mkdir(entry, { mode: 0o750 })
      : open(entry, 'wx', 0o640).then((file) => file.close()),
  )
  await made.catch((cause: unknown) => {
    if (codeOf(cause) === 'EEXIST') return
    throw new MountFailed(place.path, `the ${kind} to mount on cannot be made: ${messageOf(cause)}`, {
      cause,
    })
  })
}

const isEmpty = async (heldPath: string, kind: TargetKind): Promise<boolean> =>
  kind === 'directory' ? (await readdir(heldPath)).length === 0 : (await stat(heldPath)).size === 0

/**
 * The target of a publication, made unless it is there. One that is not empty is refused: a mount would hide what is
 * in it, and unpublishing could never remove it.
 * @throws InvalidField when it is a link or of the other kind, PathOccupied.
 */
export const holdNewTarget = async (parent: HeldParent, kind: TargetKind): Promise<HeldPath> => {
  const target = parent.place
  await make(parent, kind)
  const held = await holdEntry(parent, kind)
  if (held === undefined) throw new InvalidField(target.field, `"${target.path}" cannot be made`)
  if (await isEmpty(held.heldPath, kind)) return held
  await held[Symbol.asyncDispose]()
  throw new PathOccupied(target.path, `the ${kind} is not empty`, 'move what is in it elsewhere')
}
