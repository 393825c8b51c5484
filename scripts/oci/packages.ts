import { readFile, writeFile } from 'node:fs/promises'
import { execa } from 'execa'
import * as v from 'valibot'

/** One Debian package to the bit. */
export interface PinnedPackage {
  readonly name: string
  readonly version: string
  /** Of the .deb file, in hexadecimal. */
  readonly sha256: string
}

const lockSchema = v.array(
  v.strictObject({
    name: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9+.-]+$/)),
    version: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9.+~:-]*$/)),
    sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  }),
)

export const readLock = async (path: string): Promise<readonly PinnedPackage[]> =>
  v.parse(lockSchema, JSON.parse(await readFile(path, 'utf8')))

export const writeLock = async (path: string, packages: readonly PinnedPackage[]): Promise<void> =>
  await writeFile(path, `[\n${packages.map((pinned) => `  ${JSON.stringify(pinned)}`).join(',\n')}\n]\n`)

/** Packages of apt's control stanzas (deb-control(5)), in the order given. */
export const parseStanzas = (text: string): PinnedPackage[] =>
  text
    .split(/\n{2,}/)
    .map(
      (stanza) =>
        new Map([...stanza.matchAll(/^([A-Za-z0-9-]+): (.*)$/gm)].map((line) => [line[1], line[2]])),
    )
    .flatMap((fields) => {
      const [name, version, sha256] = ['Package', 'Version', 'SHA256'].map((field) => fields.get(field))
      return name && version && sha256 ? [{ name, version, sha256 }] : []
    })

/**
 * Every version that this machine's apt knows of the packages, the newest first. Packages that it does
 * not know are absent. Only lists that were fetched before count: see `updateLists`.
 */
export const offeredPackages = async (
  names: readonly string[],
  architecture: string,
): Promise<readonly PinnedPackage[]> => {
  const wanted = names.map((name) => `${name}:${architecture}`)
  // The exit status is not zero when any one of the packages is unknown; the others are printed all the same.
  const { stdout } = await execa('apt-cache', ['show', ...wanted], { reject: false, env: { LC_ALL: 'C' } })
  return parseStanzas(stdout)
}

/** Fetches apt's package lists from the machine's own sources. Needs root. */
export const updateLists = async (): Promise<void> => {
  await execa('apt-get', ['update', '--quiet'], { env: { LC_ALL: 'C' }, stdin: 'ignore' })
}
