import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { formatSeconds } from '../lab/runtime/progress.ts'
import { STAGES, type Part, type Row } from './parts.ts'
import { add, describeTotals, NONE, parseTotals, type Totals } from './totals.ts'

interface Run {
  /** Where the parts write their totals. */
  readonly directory: string
  readonly grep: string | undefined
  /** Whether another part runs beside it: its lines then begin with its name. */
  readonly isBesideOthers: boolean
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

/** Where a part's output goes: execa takes a transform of its lines before the terminal. */
const outputOf = ({ name }: Part, { isBesideOthers }: Run) => {
  if (!isBesideOthers) return 'inherit'
  const named = function* (line: unknown): Generator<string> {
    yield `${name.padEnd(10)} | ${String(line)}`
  }
  return [named, 'inherit'] as const
}

const runPart = async (part: Part, run: Run): Promise<Totals> => {
  const file = join(run.directory, part.name)
  const started = performance.now()
  console.log(`\n=== ${part.name}`)
  const [program, ...argv] = part.command({ totals: file, grep: run.grep })
  const output = outputOf(part, run)
  const { exitCode } = await execa(program, argv, {
    ...{ stdin: 'ignore', stdout: output, stderr: output, buffer: false, reject: false },
  })
  const totals = await totalsOf(part, file, exitCode === 0)
  console.log(`=== ${part.name}: ${describeTotals(totals)}, ${formatSeconds(performance.now() - started)}`)
  return totals
}

const runRow = async (row: Row, run: Run): Promise<Totals> => {
  let totals = NONE
  for (const part of row) totals = add(totals, await runPart(part, run))
  return totals
}

const [wanted, grep] = process.argv.slice(2)
const isWanted = ({ name }: Part): boolean => wanted === undefined || name === wanted
const stages = STAGES.map((rows) =>
  rows.map((row) => row.filter(isWanted)).filter((row) => row.length > 0),
).filter((rows) => rows.length > 0)
if (stages.length === 0) {
  const names = STAGES.flat(2).map(({ name }) => name)
  console.error(`scripts/test: "${wanted ?? ''}" is no part of the tests (parts: ${names.join(', ')})`)
  process.exit(2)
}
const directory = await mkdtemp(join(tmpdir(), 'loam-test-'))
try {
  let totals = NONE
  for (const rows of stages) {
    const run = { directory, grep, isBesideOthers: rows.length > 1 }
    for (const each of await Promise.all(rows.map((row) => runRow(row, run)))) totals = add(totals, each)
  }
  console.log(`\n${describeTotals(totals)}`)
  process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1
} finally {
  await rm(directory, { recursive: true })
}
