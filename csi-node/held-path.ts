import { constants } from 'node:fs'
import { open, readlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname, isAbsolute, normalize } from 'node:path'

import { InvalidField } from './errors.ts'
import { codeOf } from './system-error.ts'

/** Linux value on every architecture that Node.js runs on (open(2)); node:fs does not name it. */
const O_PATH = 0o10000000

/**
 * A directory or file that is held open, so that nobody can put a link in its place between the check and the use.
 * Dispose of it before unmounting what is mounted there: it keeps the mount busy.
 */
export interface HeldPath extends AsyncDisposable {
  /** Leads to the very object that was checked, for this process and for programs that it starts. */
  readonly heldPath: string
}

export interface PathField {
  /** Name of the request's field, for messages. */
  readonly field: string
  readonly path: string
}

/**
 * Checks the text of a path: absolute, in normal form (no `..`, no doubled slash), beneath kubelet's directory.
 * @throws InvalidField
 */
export const requirePath = (kubeletDirectory: string, field: string, path: string): PathField => {
  const isNormal = isAbsolute(path) && normalize(path) === path && !path.endsWith('/')
  if (isNormal && path.startsWith(`${kubeletDirectory}/`)) return { field, path }
  throw new InvalidField(
    field,
    `"${path}" is not allowed: it must be an absolute path beneath "${kubeletDirectory}", without "..", "//" or a slash at its end`,
  )
}

const hold = (handle: FileHandle): HeldPath => ({
  heldPath: `/proc/${process.pid}/fd/${handle.fd}`,
  [Symbol.asyncDispose]: () => handle.close(),
})

/** Undefined when nothing is there. @throws InvalidField when a part of the path is a symbolic link. */
const holdWithoutLinks = async (
  { field, path }: PathField,
  kind: 'directory' | 'file',
): Promise<HeldPath | undefined> => {
  const handle = await open(path, O_PATH | constants.O_NOFOLLOW).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new InvalidField(field, `"${path}" cannot be opened: ${String(error)}`)
  })
  if (handle === undefined) return undefined
  try {
    // What the kernel calls the opened object; it differs from what was asked for when a link was followed.
    const realPath = await readlink(`/proc/self/fd/${handle.fd}`)
    const found = await handle.stat()
    if (realPath !== path)
      throw new InvalidField(field, `"${path}" leads through a symbolic link to "${realPath}"`)
    if (found.isSymbolicLink()) throw new InvalidField(field, `"${path}" is a symbolic link`)
    const isKind = kind === 'directory' ? found.isDirectory() : found.isFile()
    if (!isKind) throw new InvalidField(field, `"${path}" is not a ${kind}`)
    return hold(handle)
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** The directory itself, or what is mounted on it; undefined when there is none. @throws InvalidField */
export const holdDirectory = (place: PathField): Promise<HeldPath | undefined> =>
  holdWithoutLinks(place, 'directory')

/** The regular file itself; undefined when there is none. @throws InvalidField */
export const holdFile = (place: PathField): Promise<HeldPath | undefined> => holdWithoutLinks(place, 'file')

/**
 * The directory that the path is in. `entry` is the path's last part within it, reached without any link before it.
 * Undefined when that directory does not exist. @throws InvalidField
 */
export const holdParent = async (
  place: PathField,
): Promise<(HeldPath & { readonly entry: string }) | undefined> => {
  const parent = await holdDirectory({ field: place.field, path: dirname(place.path) })
  if (parent === undefined) return undefined
  return { ...parent, entry: `${parent.heldPath}/${basename(place.path)}` }
}
