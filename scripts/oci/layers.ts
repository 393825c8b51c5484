import { access, chmod, copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { bundlePrograms } from '../build.ts'
import { readRootContents, stageRoot } from './debian-root.ts'
import { digestOf, digestOfFile, hexOf } from './digest.ts'
import { fetchPackages, missingFrom } from './fetch.ts'
import { layerFromTar, packLayer, type Layer } from './layer.ts'
import { readLock, type PinnedPackage } from './packages.ts'
import { availablePins } from './pins.ts'

export interface BuildContext {
  /** Where finished layers and .deb files are kept between builds. */
  readonly cache: string
  readonly modifiedAtSeconds: number
  readonly allowNewer: boolean
  readonly report: (message: string) => void
}

/** What the Debian part of an image is made from. */
export interface DebianSource {
  /** A file like root.yaml. */
  readonly contentsPath: string
  /** The pins of its packages. */
  readonly lockPath: string
}

/** The pins are in `packages.lock.json` beside the file that names the packages. */
export const debianSource = (contentsPath: string): DebianSource => ({
  contentsPath,
  lockPath: join(dirname(contentsPath), 'packages.lock.json'),
})

/** Of the agent's image. */
export const AGENT_SOURCE = debianSource(join(import.meta.dirname, 'root.yaml'))

/** Sources that decide what the layer holds besides root.yaml and the pins: a change in them is another layer. */
const RECIPE = ['debian-root.ts', 'tar.ts'].map((name) => join(import.meta.dirname, name))

/** The layer of that key from the cache; made by `make` when it is not there. */
const cached = async (
  name: string,
  key: string,
  { cache }: BuildContext,
  make: (output: string, scratch: string) => Promise<Layer>,
): Promise<Layer> => {
  const output = join(cache, `${name}-${key.slice(0, 24)}.tar`)
  const present = await access(output).then(
    () => true,
    () => false,
  )
  if (present) return await layerFromTar(name, output)
  await mkdir(cache, { recursive: true })
  const scratch = await mkdtemp(join(cache, `${name}-`))
  try {
    return await make(output, scratch)
  } finally {
    await rm(scratch, { recursive: true })
  }
}

const fetchedPins = async (context: BuildContext, lockPath: string, debs: string, architecture: string) => {
  const pins = await readLock(lockPath)
  const missing = await missingFrom(debs, pins)
  if (missing.length === 0) return pins
  const found = await availablePins(missing, { ...context, lockPath, architecture })
  context.report(`fetching ${found.length} Debian packages`)
  await fetchPackages(debs, await missingFrom(debs, found), architecture)
  return pins.map((pin): PinnedPackage => found.find((other) => other.name === pin.name) ?? pin)
}

/** Debian's programs and libraries, from pinned packages. */
export const debianLayer = async (context: BuildContext, source: DebianSource): Promise<Layer> => {
  const contents = await readRootContents(source.contentsPath)
  const debs = join(context.cache, 'debs')
  const pins = await fetchedPins(context, source.lockPath, debs, contents.architecture)
  const recipe = await Promise.all(RECIPE.map((path) => readFile(path, 'utf8')))
  const key = hexOf(digestOf(JSON.stringify([contents, pins, recipe, context.modifiedAtSeconds])))
  return await cached('debian', key, context, async (output, scratch) => {
    const directory = join(scratch, 'root')
    const files = await stageRoot(contents, pins, debs, directory)
    return await packLayer('debian', { ...context, directory, files, output })
  })
}

/** The Node.js binary of the npm package, which package-lock.json pins by its digest. */
export const nodeLayer = async (context: BuildContext, binary: string): Promise<Layer> => {
  const key = hexOf(digestOf(`${await digestOfFile(binary)} ${context.modifiedAtSeconds}`))
  return await cached('node', key, context, async (output, scratch) => {
    const target = join(scratch, 'usr/bin/node')
    await mkdir(dirname(target), { recursive: true })
    await copyFile(binary, target)
    await chmod(target, 0o755)
    return await packLayer('node', { ...context, directory: scratch, output })
  })
}

/** Loam's programs in /app, a bundle each. Made anew each time: it takes less than a look at all its sources would. */
export const appLayer = async (
  context: BuildContext,
  places: { root: string; dist: string },
): Promise<Layer> => {
  const files = await bundlePrograms(places.root, places.dist)
  const scratch = join(places.dist, 'image/app')
  await rm(scratch, { recursive: true, force: true })
  await mkdir(join(scratch, 'app'), { recursive: true })
  for (const file of files) await copyFile(file, join(scratch, 'app', basename(file)))
  return await packLayer('app', {
    ...context,
    directory: scratch,
    output: join(places.dist, 'image/app.tar'),
  })
}
