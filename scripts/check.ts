import { execa } from 'execa'

/**
 * `npm run check`: everything that can be found wrong without running the product. The tools run side by side; each
 * prints only what it finds. Ends with status 1 when any of them does not end with 0.
 */
const ROOMS = ['core', 'lvm', 'kube', 'crd', 'agent', 'csi-node', 'scripts', 'test']

const TOOLS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  eslint: ['eslint', '.', '--cache', '--cache-location', 'node_modules/.cache/eslint/'],
  tsc: ['tsc'],
  prettier: ['prettier', '--check', '--log-level', 'warn', '.'],
  'dependency-cruiser': ['depcruise', ...ROOMS],
  knip: ['knip'],
  'generated CRD types': [process.execPath, 'scripts/gen-crd-types.ts', '--check'],
  'generated tables of disks': [process.execPath, 'scripts/gen-disk-docs.ts', '--check'],
  'generated gRPC code': [process.execPath, 'scripts/gen-proto.ts', '--check'],
}

const isClean = async ([name, [file, ...args]]: readonly [string, readonly [string, ...string[]]]) => {
  const { exitCode, all } = await execa(file, args, { preferLocal: true, reject: false, all: true })
  if (exitCode !== 0) console.log(`\n=== ${name}: failed\n${all}`)
  return exitCode === 0
}

const results = await Promise.all(Object.entries(TOOLS).map(isClean))
const failed = Object.keys(TOOLS).filter((_name, index) => results[index] !== true)
console.log(failed.length === 0 ? 'check: nothing found' : `check: found by ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
