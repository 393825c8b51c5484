import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { BuildFailed } from './build-error.ts'
import { digestOfFile, hexOf } from './digest.ts'
import type { PinnedPackage } from './packages.ts'

const exists = async (path: string): Promise<boolean> =>
  await access(path).then(
    () => true,
    () => false,
  )

export const debPath = (cache: string, { sha256 }: PinnedPackage): string => join(cache, `${sha256}.deb`)

/** Those whose .deb is not in the cache yet. */
export const missingFrom = async (
  cache: string,
  pins: readonly PinnedPackage[],
): Promise<readonly PinnedPackage[]> => {
  const present = await Promise.all(pins.map((pin) => exists(debPath(cache, pin))))
  return pins.filter((_, index) => present[index] !== true)
}

/**
 * Fetches packages by the machine's own apt, which checks the signatures of its sources, into `cache`. A file goes
 * there only under its own SHA-256, so what `debPath` finds is what was pinned.
 */
export const fetchPackages = async (
  cache: string,
  pins: readonly PinnedPackage[],
  architecture: string,
): Promise<void> => {
  if (pins.length === 0) return
  await mkdir(cache, { recursive: true })
  const directory = await mkdtemp(join(cache, 'fetching-'))
  try {
    const wanted = pins.map(({ name, version }) => `${name}:${architecture}=${version}`)
    await execa('apt-get', ['download', '--quiet', '-o', 'APT::Sandbox::User=root', ...wanted], {
      cwd: directory,
      stdin: 'ignore',
      env: { LC_ALL: 'C' },
    })
    for (const file of await readdir(directory)) {
      const path = join(directory, file)
      await rename(path, join(cache, `${hexOf(await digestOfFile(path))}.deb`))
    }
  } finally {
    await rm(directory, { recursive: true })
  }
  const [wrong] = await missingFrom(cache, pins)
  if (wrong !== undefined)
    throw new BuildFailed(
      `Debian package ${wrong.name} ${wrong.version}`,
      `apt fetched a file of another SHA-256`,
      {
        advice: 'the source offers another build under the same version: check where it comes from',
      },
    )
}
