import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { formatSeconds } from '../lab/runtime/progress.ts'
import { LANES, type Part } from './parts.ts'
import { add, describeTotals, NONE, parseTotals, type Totals } from './totals.ts'

interface Run {
  /** Where the parts write their totals. */
  readonly directory: string
  readonly grep: string | undefined
  /** Two parts write at the same time: each line says whose it is. */
  readonly sideBySide: boolean
}

/** The exit status of the part's program, after its output. */
const start = async (part: Part, totals: string, { grep, sideBySide }: Run): Promise<number | undefined> => {
  const [program, ...argv] = part.command({ totals, grep })
  const stdio = sideBySide ? 'pipe' : 'inherit'
  const options = { stdin: 'ignore', stdout: stdio, stderr: stdio, all: true, reject: false } as const
  const subprocess = execa(program, argv, { ...options, buffer: false })
  if (sideBySide)
    for await (const line of subprocess.iterable({ from: 'all' })) console.log(`${part.name} | ${line}`)
  return (await subprocess).exitCode
}

const ONE: Record<'passed' | 'failed', Totals> = {
  passed: { ...NONE, passed: 1 },
  failed: { ...NONE, failed: 1 },
}

/** A part that ends without totals has failed once, whatever it printed. */
const totalsOf = async (part: Part, totals: string, isGood: boolean): Promise<Totals> => {
  if (part.counts === 'nothing') return isGood ? NONE : ONE.failed
  if (part.counts === 'one test') return isGood ? ONE.passed : ONE.failed
  const counted = parseTotals(await readFile(totals, 'utf8').catch(() => '')) ?? ONE.failed
  // Something after the last test failed, a hook for all files for instance.
  return !isGood && counted.failed === 0 ? { ...counted, failed: 1 } : counted
}

const runPart = async (part: Part, run: Run): Promise<Totals> => {
  const file = join(run.directory, part.name)
  const started = performance.now()
  console.log(`\n=== ${part.name}`)
  const exitCode = await start(part, file, run)
  const totals = await totalsOf(part, file, exitCode === 0)
  console.log(`=== ${part.name}: ${describeTotals(totals)}, ${formatSeconds(performance.now() - started)}`)
  return totals
}

const runLane = async (lane: readonly Part[], run: Run): Promise<Totals> => {
  let totals = NONE
  for (const part of lane) totals = add(totals, await runPart(part, run))
  return totals
}

const [wanted, grep] = process.argv.slice(2)
const lanes = LANES.map((lane) => lane.filter(({ name }) => wanted === undefined || name === wanted)).filter(
  (lane) => lane.length > 0,
)
if (lanes.length === 0) {
  const names = LANES.flat().map(({ name }) => name)
  console.error(`scripts/test: "${wanted ?? ''}" is no part of the tests (parts: ${names.join(', ')})`)
  process.exit(2)
}
const directory = await mkdtemp(join(tmpdir(), 'loam-test-'))
try {
  const run = { directory, grep, sideBySide: lanes.length > 1 }
  const totals = (await Promise.all(lanes.map((lane) => runLane(lane, run)))).reduce(add, NONE)
  console.log(`\n${describeTotals(totals)}`)
  process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1
} finally {
  await rm(directory, { recursive: true })
}
