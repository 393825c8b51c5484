import { lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { execa } from 'execa'
import * as v from 'valibot'
import { parse } from 'yaml'
import { BuildFailed } from './build-error.ts'
import { debPath } from './fetch.ts'
import type { PinnedPackage } from './packages.ts'

const paths = v.array(v.pipe(v.string(), v.regex(/^(usr|etc)\/[\w./+-]+$/)))

const rootContentsSchema = v.strictObject({
  suite: v.string(),
  architecture: v.literal('amd64'),
  programs: paths,
  libraries: paths,
  files: paths,
  /** Directories of which all is kept. */
  trees: v.optional(paths, []),
  packages: v.array(v.string()),
})

/** What root.yaml says. */
export type RootContents = v.InferOutput<typeof rootContentsSchema>

export const readRootContents = async (path: string): Promise<RootContents> =>
  v.parse(rootContentsSchema, parse(await readFile(path, 'utf8')))

const MERGED = ['bin', 'sbin', 'lib', 'lib64']

/** Files that no package brings, because maintainer scripts write them and none is run here. */
const WRITTEN: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/:/usr/sbin/nologin\n',
  'etc/group': 'root:x:0:\ndisk:x:6:\n',
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
}

const unpack = async (deb: string, directory: string): Promise<void> => {
  // Packages still ship files under /lib and /bin: --keep-directory-symlink puts them behind the links made here.
  const unpacked = execa('dpkg-deb', ['--fsys-tarfile', deb], { buffer: false, stdin: 'ignore' })
  await unpacked.pipe('tar', [
    '--extract',
    '--directory',
    directory,
    '--keep-directory-symlink',
    '--no-same-owner',
  ])
}

/** The control data of a package, where scanners of images look for it when there is no dpkg database. */
const writePackageRecord = async (deb: string, pin: PinnedPackage, directory: string): Promise<string> => {
  const { stdout } = await execa('dpkg-deb', ['--field', deb])
  const installed = `${pin.name} ${pin.version}`
  const found = ['Package', 'Version']
    .map((field) => new RegExp(`^${field}: (.*)$`, 'm').exec(stdout)?.[1])
    .join(' ')
  if (found !== installed)
    throw new BuildFailed(`Debian package ${installed}`, `the file says it is ${found}`)
  const record = `var/lib/dpkg/status.d/${pin.name}`
  await writeFile(join(directory, record), `${stdout}\n`)
  return record
}

/** Every file and link beneath a directory of `root`, relative to `root`. */
const filesBeneath = async (root: string, tree: string): Promise<string[]> => {
  const entries = await readdir(join(root, tree), { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

/** The file that a path means inside `root`, and every symbolic link on the way to it; all relative to `root`. */
const withLinks = async (root: string, path: string): Promise<string[]> => {
  const parts = path.split('/')
  for (let length = 1; length <= parts.length; length += 1) {
    const place = parts.slice(0, length).join('/')
    const found = await lstat(join(root, place)).catch(() => undefined)
    if (found === undefined)
      throw new BuildFailed(`/${path}`, 'is in none of the packages', { advice: 'correct root.yaml' })
    if (!found.isSymbolicLink()) continue
    const target = await readlink(join(root, place))
    const next = target.startsWith('/') ? target.slice(1) : join(dirname(place), target)
    return [place, ...(await withLinks(root, join(next, ...parts.slice(length))))]
  }
  return [path]
}

const LIBRARY_DIRECTORY = 'usr/lib/x86_64-linux-gnu'
const LOADER = 'usr/lib64/ld-linux-x86-64.so.2'

/** Shared libraries that a program or library loads, as its own loader finds them in `root`. */
const librariesOf = async (root: string, path: string): Promise<string[]> => {
  const loaderArguments = ['--inhibit-cache', '--library-path', join(root, LIBRARY_DIRECTORY), '--list']
  const { stdout } = await execa(join(root, LOADER), [...loaderArguments, join(root, path)], {
    env: { LC_ALL: 'C' },
  })
  return stdout.split('\n').flatMap((line) => {
    const [, name, found] = /^\s*(\S+) => (\S+)/.exec(line) ?? []
    if (name === undefined || found === undefined) return []
    if (found.startsWith(`${root}/`)) return [relative(root, found)]
    throw new BuildFailed(`/${path}`, `needs the library ${name}, which is in none of the packages`, {
      advice: 'add its package to root.yaml and run `scripts/image lock`',
    })
  })
}

/**
 * Unpacks the packages into `root` (no maintainer script runs) and gives the paths that the image keeps: the programs
 * and libraries that root.yaml names, every shared library that they load, files, licences and package records.
 */
export const stageRoot = async (
  contents: RootContents,
  pins: readonly PinnedPackage[],
  cache: string,
  root: string,
): Promise<string[]> => {
  await rm(root, { recursive: true, force: true })
  for (const name of MERGED) {
    await mkdir(join(root, 'usr', name), { recursive: true })
    await symlink(`usr/${name}`, join(root, name))
  }
  await mkdir(join(root, 'var/lib/dpkg/status.d'), { recursive: true })
  const kept = new Set<string>(MERGED)
  for (const pin of pins) {
    await unpack(debPath(cache, pin), root)
    kept.add(await writePackageRecord(debPath(cache, pin), pin, root))
    for (const path of await withLinks(root, `usr/share/doc/${pin.name}/copyright`)) kept.add(path)
  }
  for (const [path, text] of Object.entries(WRITTEN)) {
    await writeFile(join(root, path), text)
    kept.add(path)
  }
  const trees = (await Promise.all(contents.trees.map((tree) => filesBeneath(root, tree)))).flat()
  for (const file of [...contents.programs, ...contents.libraries, ...contents.files, ...trees, LOADER])
    for (const path of await withLinks(root, file)) kept.add(path)
  for (const file of [...contents.programs, ...contents.libraries])
    for (const library of await librariesOf(root, file))
      for (const path of await withLinks(root, library)) kept.add(path)
  return [...kept]
}
