// Runs tests inside a VM with real disks: run-node-tests.ts [--grep TEXT] [--totals FILE] [--with-sanity] [PATTERN…]
// The totals are those of test/runner/mocha.ts, which runs in the VM; the exit status is its own.
import { copyFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../../../core/errors.ts'
import { ensurePrograms } from '../programs/build.ts'
import { createProgress } from '../runtime/progress.ts'
import { diskById } from './disks.ts'
import { LabError } from './errors.ts'
import { SHARED_MOUNT } from './guest.ts'
import { pathsOf } from './paths.ts'
import { StoodStill, unlessItStandsStill } from './standstill.ts'
import type { Vm } from './types.ts'
import { withSingleVm, type Session } from './with-single-vm.ts'

interface Request {
  readonly patterns: readonly string[]
  readonly grep: string | undefined
  readonly totals: string | undefined
  /** Whether the tests need csi-sanity, which is built when it is not in the cache. */
  readonly withSanity: boolean
}

const ROOT = resolve(import.meta.dirname, '../../..')
const TOTALS = 'totals.json'
const disks = ['a', 'b', 'c'].map((name) => ({ name, sizeBytes: 1024 ** 3 }))

const readArguments = (args: readonly string[]): Request => {
  const options = {
    grep: { type: 'string' },
    totals: { type: 'string' },
    'with-sanity': { type: 'boolean', default: false },
  } as const
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const patterns = positionals.length > 0 ? positionals : ['test/node/**/*.test.ts']
  return { patterns, grep: values.grep, totals: values.totals, withSanity: values['with-sanity'] }
}

const mochaCommand = ({ patterns, grep }: Request): readonly string[] => [
  'node_modules/.bin/node',
  'test/runner/mocha.ts',
  ...['--totals', `${SHARED_MOUNT}/${TOTALS}`],
  ...(grep === undefined ? [] : ['--grep', grep]),
  ...patterns,
]

const takeTotals = async (vm: Vm, destination: string, exitCode: number): Promise<void> => {
  const totals = join(pathsOf(vm.directory).shared, TOTALS)
  await copyFile(totals, destination).catch((cause: unknown) => {
    throw new LabError('the tests in the VM', `ended with status ${exitCode} and without totals`, { cause })
  })
}

const buildSanity = async (): Promise<Readonly<Record<string, string>>> => {
  const progress = createProgress((line) => process.stderr.write(line))
  const programs = await ensurePrograms(['csi-sanity'], process.env, progress)
  return { LOAM_CSI_SANITY: programs['csi-sanity'] }
}

const runIn = async (
  { vm, options }: Session,
  request: Request,
  programs: Readonly<Record<string, string>>,
): Promise<number> => {
  const environment = {
    LOAM_TEST_DISKS: disks.map(({ name }) => diskById(options.name, name)).join(','),
    // test/faults/extent.ts: the whole set of faults, or the short one
    LOAM_FAULTS: process.env.LOAM_FAULTS ?? '',
    ...programs,
  }
  const { exitCode } = await unlessItStandsStill(vm, () =>
    vm.exec(mochaCommand(request), { output: 'inherit', directory: ROOT, environment }),
  )
  if (request.totals !== undefined) await takeTotals(vm, request.totals, exitCode)
  return exitCode
}

/** Once more from the start when the VM stood still, which says nothing of the tests. */
const runAll = async (
  request: Request,
  programs: Readonly<Record<string, string>>,
  standstillsLeft = 1,
): Promise<number> => {
  try {
    return await withSingleVm('node-tests', { disks, memoryMiB: 2048 }, (session) =>
      runIn(session, request, programs),
    )
  } catch (error) {
    if (!(error instanceof StoodStill) || standstillsLeft === 0) throw error
    console.error(`${messageOf(error)}; all of its tests are run again`)
    return await runAll(request, programs, standstillsLeft - 1)
  }
}

try {
  const request = readArguments(process.argv.slice(2))
  // before the VM is there: it would wait, and it cannot build
  const programs = request.withSanity ? await buildSanity() : {}
  process.exitCode = await runAll(request, programs)
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 2
}
