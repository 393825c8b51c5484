import { stat } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { build, type Plugin } from 'esbuild'

/** What `bundle` wrote, ready to be run by Node 24 as `node <directory>/<name>.cjs`. */
export interface Bundle {
  /** Paths of the files, the entry first. All of them have to lie in one directory. */
  readonly files: readonly string[]
}

// A CommonJS file has no import.meta.url, and node-cron reads it when it is loaded.
const IMPORT_META_URL = {
  define: { 'import.meta.url': '__importMetaUrl' },
  banner: { js: "const __importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
}

const cjsName = (source: string): string => `${basename(source, '.ts')}.cjs`

/**
 * Leaves each `import('./x.ts')` of our own sources as `import('./x.cjs')`, and says which files that makes: code
 * that most runs never need costs no memory while it lies in a file of its own.
 */
const separateLazyFiles = (found: Set<string>): Plugin => ({
  name: 'separate-lazy-files',
  setup: (esbuild) => {
    esbuild.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ kind, path, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined
      found.add(join(resolveDir, path))
      return { path: `./${cjsName(path)}`, external: true }
    })
  },
})

const bundleOne = async (source: string, outfile: string): Promise<ReadonlySet<string>> => {
  const lazyFiles = new Set<string>()
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // Stack traces stay readable without source maps, which would cost memory in every agent.
    minify: false,
    logLevel: 'warning',
    plugins: [separateLazyFiles(lazyFiles)],
    ...IMPORT_META_URL,
  })
  return lazyFiles
}

/**
 * Bundles a program into one CommonJS file `name`.cjs, with one more file next to it for each module that is
 * imported lazily. A lazily imported module gets copies of its own of what it imports, so it should import no
 * classes that are compared with `instanceof` elsewhere. The sources may not await at top level.
 */
export const bundle = async (program: {
  entry: string
  name: string
  directory: string
}): Promise<Bundle> => {
  const { entry, name, directory } = program
  const files = new Map<string, string>()
  const waiting = new Set([entry])
  for (const source of waiting) {
    const file = join(directory, source === entry ? `${name}.cjs` : cjsName(source))
    for (const [other, taken] of files)
      if (taken === file) throw new Error(`${source} and ${other} would both become ${file}`)
    files.set(source, file)
    for (const lazy of await bundleOne(source, file)) waiting.add(lazy)
  }
  return { files: [...files.values()] }
}

/** Each is `ROOM/main.ts`, and becomes `ROOM.cjs`. */
const PROGRAMS = ['agent', 'scheduler'] as const

/** Bundles all of Loam's programs; gives their files. */
export const bundlePrograms = async (root: string, directory: string): Promise<readonly string[]> => {
  const files = new Set<string>()
  for (const name of PROGRAMS) {
    const made = await bundle({ entry: join(root, name, 'main.ts'), name, directory })
    // what both import lazily becomes the same file
    for (const file of made.files) files.add(file)
  }
  return [...files]
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..')
  for (const file of await bundlePrograms(root, join(root, 'dist')))
    console.log(`${relative(process.cwd(), file)} ${(await stat(file)).size} bytes`)
}
