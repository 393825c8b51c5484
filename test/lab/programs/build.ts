import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { LabError } from '../vm/errors.ts'
import type { Progress } from '../runtime/progress.ts'
import { cacheDirectory } from './cache.ts'
import { MODULES, type GoModule } from './catalog.ts'

/** Path of every program that was asked for, by name. */
export type Programs<Name extends string = string> = Readonly<Record<Name, string>>

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

const sourceFolder = (module: GoModule): string => join(import.meta.dirname, module.folder)

const linkerFlags = (module: GoModule): string =>
  ['-s', '-w', ...Object.entries(module.linkerVariables).map(([name, value]) => `-X ${name}=${value}`)].join(
    ' ',
  )

/** A folder per set of pins: other versions never overwrite each other, and a changed pin is built anew. */
const outputFolder = async (module: GoModule, cache: string): Promise<string> => {
  const digest = createHash('sha256')
  for (const file of ['go.mod', 'go.sum']) digest.update(await readFile(join(sourceFolder(module), file)))
  digest.update(linkerFlags(module))
  return join(cache, 'programs', `${module.folder}-${digest.digest('hex').slice(0, 12)}`)
}

const requireGo = async (): Promise<void> => {
  const { exitCode } = await execa('go', ['version'], { reject: false })
  if (exitCode === 0) return
  throw new LabError('go', 'is not on the PATH, and the programs of the lab are built with it', {
    advice:
      'install Go 1.26 or later, or set KUBEBUILDER_ASSETS to a folder that holds etcd, containerd and the Kubernetes programs',
  })
}

/** The compiler collects its garbage seldom: etcd in 62 s and not 89 s on two cores, for some hundreds of MiB more. */
const COMPILER_ENVIRONMENT = { CGO_ENABLED: '0', GOFLAGS: '', GOGC: '800' }

/** Builds into a new folder, then renames: a build that is interrupted leaves no half program under a final name. */
const build = async (module: GoModule, names: readonly string[], output: string): Promise<void> => {
  const unfinished = `${output}.${randomBytes(4).toString('hex')}`
  await mkdir(unfinished, { recursive: true })
  await mkdir(output, { recursive: true })
  try {
    for (const name of names) {
      const argv = ['build', '-mod=readonly', '-buildvcs=false', '-ldflags', linkerFlags(module)]
      const { exitCode, stderr } = await execa(
        // tests that run beside it come first
        'nice',
        ['go', ...argv, '-o', join(unfinished, name), module.packages[name] ?? ''],
        { cwd: sourceFolder(module), env: COMPILER_ENVIRONMENT, reject: false },
      )
      if (exitCode !== 0)
        throw new LabError(
          name,
          `go build failed in test/lab/programs/${module.folder}: ${stderr.slice(-2000)}`,
        )
      await rename(join(unfinished, name), join(output, name))
    }
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

const moduleOf = (name: string): GoModule => {
  const module = MODULES.find(({ packages }) => name in packages)
  if (module !== undefined) return module
  const known = MODULES.flatMap(({ packages }) => Object.keys(packages)).join(', ')
  throw new LabError(`program ${name}`, 'the lab does not know how to build it', {
    advice: `known: ${known}`,
  })
}

/**
 * Finds each program in the folder named by KUBEBUILDER_ASSETS, then in the cache, and builds what is in neither.
 * Two callers at once build twice and harm nobody: the rename is atomic.
 */
export const ensurePrograms = async <Name extends string>(
  names: readonly Name[],
  environment: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<Programs<Name>> => {
  const assets = environment.KUBEBUILDER_ASSETS ?? ''
  const found = new Map<string, string>()
  const missing = new Map<GoModule, string[]>()
  for (const name of names) {
    const module = moduleOf(name)
    const given = join(assets, name)
    const built = join(await outputFolder(module, cacheDirectory(environment)), name)
    found.set(name, assets !== '' && (await exists(given)) ? given : built)
    if (!(await exists(found.get(name) ?? ''))) missing.set(module, [...(missing.get(module) ?? []), name])
  }
  if (missing.size > 0) await requireGo()
  for (const [module, wanted] of missing) {
    const output = await outputFolder(module, cacheDirectory(environment))
    progress.note(`${wanted.join(', ')}: not in the cache; building once, into ${output}`)
    await progress.phase(`${module.folder} programs: built`, () => build(module, wanted, output))
  }
  return Object.fromEntries(found) as Programs<Name>
}
