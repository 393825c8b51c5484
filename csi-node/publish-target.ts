import { mkdir, open, readdir, stat } from 'node:fs/promises'

import { atStep } from '../core/failpoints.ts'
import { InvalidField, PathOccupied } from './errors.ts'
import { holdDirectory, holdFile, holdParent, type HeldPath, type PathField } from './held-path.ts'
import { codeOf } from './system-error.ts'

/** A file system is shown on a directory, a block device on a file. */
export type TargetKind = 'directory' | 'file'

const ignoreExisting = (error: unknown): void => {
  if (codeOf(error) !== 'EEXIST') throw error
}

const make = async (entry: string, kind: TargetKind): Promise<void> => {
  await atStep('make-mount-point', () =>
    kind === 'directory'
      ? mkdir(entry, { mode: 0o750 }).catch(ignoreExisting)
      : open(entry, 'wx', 0o640).then((file) => file.close(), ignoreExisting),
  )
}

const isEmpty = async (heldPath: string, kind: TargetKind): Promise<boolean> =>
  kind === 'directory' ? (await readdir(heldPath)).length === 0 : (await stat(heldPath)).size === 0

/**
 * The target of a publication, made unless it is there. One that is not empty is refused: a mount would hide what is
 * in it, and unpublishing could never remove it.
 * @throws InvalidField when it is a link or of the other kind, PathOccupied.
 */
export const holdNewTarget = async (target: PathField, kind: TargetKind): Promise<HeldPath> => {
  await using parent = await holdParent(target)
  if (parent !== undefined) await make(parent.entry, kind)
  const held = kind === 'directory' ? await holdDirectory(target) : await holdFile(target)
  if (held === undefined) throw new InvalidField(target.field, `"${target.path}" cannot be made`)
  if (await isEmpty(held.heldPath, kind)) return held
  await held[Symbol.asyncDispose]()
  throw new PathOccupied(target.path, `the ${kind} is not empty`, 'move what is in it elsewhere')
}
