import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'

import { execa } from 'execa'

const ROOT = resolve(import.meta.dirname, '../..')

/** Bugs for one kind of tests: where the patches are, and the rooms that these tests need. */
export interface PlantedSet {
  readonly directory: string
  readonly rooms: readonly string[]
}

/** Mistakes about disks and paths: the tests of node/ notice them, in a VM. */
export const DISK_BUGS: PlantedSet = {
  directory: join(import.meta.dirname, 'planted'),
  rooms: ['core', 'lvm', 'csi-node'],
}

/** Mistakes about objects of the API: the model of cluster/model notices them. */
export const AGENT_BUGS: PlantedSet = {
  directory: join(import.meta.dirname, 'planted-agent'),
  rooms: ['core', 'lvm', 'kube', 'crd', 'process', 'agent'],
}

const ALWAYS_NEEDED = ['test', 'package.json', 'tsconfig.json']

/** A mistake that somebody could make, and the test that has to notice. */
export interface PlantedBug {
  readonly name: string
  readonly patchFile: string
  /** Test file and a part of the title. */
  readonly caughtBy: { readonly file: string; readonly title: string }
}

const readBug = async (directory: string, file: string): Promise<PlantedBug> => {
  const patchFile = join(directory, file)
  const [, testFile, title] =
    /^Caught-by: (\S+\.test\.ts): (.+)$/m.exec(await readFile(patchFile, 'utf8')) ?? []
  if (testFile === undefined || title === undefined)
    throw new Error(`${patchFile}: no line "Caught-by: FILE: TITLE" says which test notices the bug`)
  return { name: basename(file, '.patch'), patchFile, caughtBy: { file: testFile, title } }
}

/** All bugs of a set, by name. */
export const plantedBugs = async ({ directory }: PlantedSet): Promise<readonly PlantedBug[]> => {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.patch'))
  return await Promise.all(files.sort().map((file) => readBug(directory, file)))
}

/** @throws Error when the patch does not fit the sources in the directory. */
export const applyBug = async (
  { name, patchFile }: PlantedBug,
  directory: string,
  ...options: readonly ('--dry-run' | '--reverse')[]
): Promise<void> => {
  const args = ['--strip=1', '--fuzz=0', '--silent', '--force', '--reject-file=-', ...options]
  const { exitCode, stdout, stderr } = await execa(
    'patch',
    [...args, `--directory=${directory}`, `--input=${patchFile}`],
    { reject: false },
  )
  if (exitCode === 0) return
  throw new Error(
    `planted bug "${name}" does not fit the sources any more: make the same mistake in the new code, and write ` +
      `${patchFile} anew. patch(1) says: ${stdout} ${stderr}`,
  )
}

/** Sources of this tree that bugs may be planted in. */
export const sources = ROOT

/** A copy of the sources, in which bugs are planted; the tree itself stays as it is. */
export const copySources = async ({ rooms }: PlantedSet, directory: string): Promise<void> => {
  await execa('mkdir', ['--parents', directory])
  await execa('cp', [
    '--recursive',
    ...[...rooms, ...ALWAYS_NEEDED].map((name) => join(ROOT, name)),
    directory,
  ])
  await execa('ln', [
    '--symbolic',
    '--no-dereference',
    join(ROOT, 'node_modules'),
    join(directory, 'node_modules'),
  ])
}

/** The test that has to notice the bug, run on the copy, with more in its environment. */
export const runTest = async (
  directory: string,
  { file, title }: PlantedBug['caughtBy'],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ readonly passed: number; readonly failed: number; readonly output: string }> => {
  const totals = join(directory, 'totals.json')
  const ended = await execa(
    process.execPath,
    [join(directory, 'test/runner/mocha.ts'), '--totals', totals, '--grep', title, join(directory, file)],
    { cwd: directory, reject: false, all: true, env: { ...environment, LOAM_FAULTS: 'short' } },
  )
  const counted = JSON.parse(await readFile(totals, 'utf8').catch(() => '{}')) as Record<string, number>
  return { passed: counted.passed ?? 0, failed: counted.failed ?? 0, output: ended.all }
}
