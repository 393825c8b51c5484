import { dirname, join, relative } from 'node:path'
import { offeredPackages, updateLists, type PinnedPackage } from './packages.ts'
import { BuildFailed } from './build-error.ts'
import { repositoryRoot } from './paths.ts'

const same = (a: PinnedPackage) => (b: PinnedPackage) =>
  a.name === b.name && a.version === b.version && a.sha256 === b.sha256

const goneFrom = (offered: readonly PinnedPackage[], pins: readonly PinnedPackage[]) =>
  pins.filter((pin) => !offered.some(same(pin)))

const goneMessage = (gone: readonly PinnedPackage[], offered: readonly PinnedPackage[]): string =>
  gone
    .map(({ name, version }) => {
      const newest = offered.find((other) => other.name === name)
      return `${name} ${version} (apt offers ${newest?.version ?? 'none'})`
    })
    .join(', ')

/** apt's candidate of each package: what a new lock file would hold. */
export const currentPackages = async (
  names: readonly string[],
  architecture: string,
): Promise<readonly PinnedPackage[]> => {
  await updateLists()
  const offered = await offeredPackages(names, architecture)
  return names.map((name) => {
    const candidate = offered.find((other) => other.name === name)
    if (candidate !== undefined) return candidate
    throw new BuildFailed(`Debian package ${name}`, "is not in this machine's apt sources", {
      advice: "add a Debian source of the suite in root.yaml to apt's sources",
    })
  })
}

/**
 * The pins, if apt can fetch every one of them. A Debian mirror keeps only the newest version of a package: after a
 * security update or a point release older pins are gone from it. That is an error that says so, or, with
 * `allowNewer`, apt's own candidates take the place of those pins and `report` is told.
 */
export const availablePins = async (
  pins: readonly PinnedPackage[],
  options: { lockPath: string; architecture: string; allowNewer: boolean; report: (message: string) => void },
): Promise<readonly PinnedPackage[]> => {
  const offer = async () =>
    await offeredPackages(
      pins.map((pin) => pin.name),
      options.architecture,
    )
  if (goneFrom(await offer(), pins).length === 0) return pins
  await updateLists()
  const offered = await offer()
  const gone = goneFrom(offered, pins)
  if (gone.length === 0) return pins
  const what = `no longer offered by this machine's apt sources: ${goneMessage(gone, offered)}`
  const lock = relative(repositoryRoot, options.lockPath)
  if (!options.allowNewer)
    throw new BuildFailed(lock, what, {
      advice:
        `either take the newer versions by \`scripts/image lock ${join(dirname(lock), 'root.yaml')}\` and commit the ` +
        "file, or add an archive of old Debian packages to apt's sources, or build an image that equals no release " +
        'by --allow-newer',
    })
  options.report(`${what}. Taking what apt offers: this image equals no release.`)
  const newer = await currentPackages(
    gone.map((pin) => pin.name),
    options.architecture,
  )
  return pins.map((pin) => newer.find((other) => other.name === pin.name) ?? pin)
}
