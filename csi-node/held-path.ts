import { constants, type Stats } from 'node:fs'
import { open, readFile, readlink, type FileHandle } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, normalize } from 'node:path'

import { InvalidField, PathOccupied } from './errors.ts'
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
  /** The kernel's number of the mount that the object lies on; it names no other mount as long as the path is held. */
  readonly mountId: number
}

export interface PathField {
  /** Name of the request's field, for messages. */
  readonly field: string
  readonly path: string
  /** From here on the path crosses no mount: `pods` and `plugins` may be file systems of the administrator's. */
  readonly base: string
}

/** The directory that a path is in. */
export interface HeldParent extends HeldPath {
  readonly place: PathField
  /** The path's last part within the directory, reached without any link before it. */
  readonly entry: string
}

/**
 * Checks the text of a path: absolute, in normal form (no `..`, no doubled slash), beneath kubelet's directory.
 * @throws InvalidField
 */
export const requirePath = (kubeletDirectory: string, field: string, path: string): PathField => {
  const isNormal = isAbsolute(path) && normalize(path) === path && !path.endsWith('/')
  if (!isNormal || !path.startsWith(`${kubeletDirectory}/`))
    throw new InvalidField(
      field,
      `"${path}" is not allowed: it must be an absolute path beneath "${kubeletDirectory}", without "..", "//" or a slash at its end`,
    )
  const [first = '', ...deeper] = path.slice(kubeletDirectory.length + 1).split('/')
  return { field, path, base: deeper.length > 0 ? join(kubeletDirectory, first) : kubeletDirectory }
}

/** proc(5), /proc/pid/fdinfo */
const mountIdOf = async ({ fd }: FileHandle): Promise<number> => {
  const [, mountId] = /^mnt_id:\s*(\d+)$/m.exec(await readFile(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? []
  if (mountId === undefined) throw new Error('/proc/self/fdinfo names no mnt_id')
  return Number(mountId)
}

interface Opened extends HeldPath {
  readonly stats: Stats
}

/** Links in the last part are opened themselves; those before it are followed. Undefined when nothing is there. */
export const openPath = async (
  field: string,
  path: string,
  shownPath = path,
): Promise<Opened | undefined> => {
  const handle = await open(path, O_PATH | constants.O_NOFOLLOW).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw new InvalidField(field, `"${shownPath}" cannot be opened: ${String(error)}`)
  })
  if (handle === undefined) return undefined
  const close = (): Promise<void> => handle.close()
  try {
    const [stats, mountId] = [await handle.stat(), await mountIdOf(handle)]
    const heldPath = `/proc/${process.pid}/fd/${handle.fd}`
    return { heldPath, mountId, stats, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Gives what was opened when it passes the check, and closes it otherwise. */
const checked = async <Held extends HeldPath>(
  held: Held,
  check: () => void | Promise<void>,
): Promise<Held> => {
  try {
    await check()
    return held
  } catch (error) {
    await held[Symbol.asyncDispose]()
    throw error
  }
}

const requireKind = (field: string, path: string, stats: Stats, kind: 'directory' | 'file'): void => {
  if (stats.isSymbolicLink()) throw new InvalidField(field, `"${path}" is a symbolic link`)
  const isKind = kind === 'directory' ? stats.isDirectory() : stats.isFile()
  if (!isKind) throw new InvalidField(field, `"${path}" is not a ${kind}`)
}

const requireSameMount = async ({ field, path, base }: PathField, mountId: number): Promise<void> => {
  await using from = await openPath(field, base)
  if (from?.mountId === mountId) return
  throw new InvalidField(field, `"${path}" lies within something that is mounted beneath "${base}"`)
}

/** Undefined when that directory does not exist. @throws InvalidField when a link or a mount is on the way. */
export const holdParent = async (place: PathField): Promise<HeldParent | undefined> => {
  const { field } = place
  const path = dirname(place.path)
  const opened = await openPath(field, path)
  if (opened === undefined) return undefined
  return await checked(
    { ...opened, place, entry: `${opened.heldPath}/${basename(place.path)}` },
    async () => {
      // What the kernel calls the opened object; it differs from what was asked for when a link was followed.
      const realPath = await readlink(opened.heldPath)
      if (realPath !== path)
        throw new InvalidField(
          field,
          `"${path}" leads through a symbolic link to "${realPath}", or was moved there`,
        )
      requireKind(field, path, opened.stats, 'directory')
      await requireSameMount(place, opened.mountId)
    },
  )
}

/**
 * The directory or file that has the path's last part as its name; undefined when there is none.
 * @throws InvalidField when it is a link or of the other kind, PathOccupied when something is mounted on it.
 */
export const holdEntry = async (
  { place: { field, path }, entry, mountId }: HeldParent,
  kind: 'directory' | 'file',
): Promise<HeldPath | undefined> => {
  const opened = await openPath(field, entry, path)
  if (opened === undefined) return undefined
  return await checked(opened, () => {
    if (opened.mountId !== mountId)
      throw new PathOccupied(path, 'something was mounted there meanwhile', 'call again')
    requireKind(field, path, opened.stats, kind)
  })
}

/** The root of what is mounted on the path's last part, the topmost of several; undefined when nothing is. */
export const holdMountRoot = async ({
  place: { field, path },
  entry,
  mountId,
}: HeldParent): Promise<HeldPath | undefined> => {
  const opened = await openPath(field, entry, path)
  if (opened?.mountId !== mountId) return opened
  await opened[Symbol.asyncDispose]()
  return undefined
}
