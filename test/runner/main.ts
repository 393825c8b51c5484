import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { formatSeconds } from '../lab/runtime/progress.ts'
import { PARTS, type Part } from './parts.ts'
import { add, describeTotals, NONE, parseTotals, type Totals } from './totals.ts'

interface Run {
  /** Where the parts write their totals. */
  readonly directory: string
  readonly grep: string | undefined
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

const runPart = async (part: Part, { directory, grep }: Run): Promise<Totals> => {
  const file = join(directory, part.name)
  const started = performance.now()
  console.log(`\n=== ${part.name}`)
  const [program, ...argv] = part.command({ totals: file, grep })
  const options = { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit', reject: false } as const
  const { exitCode } = await execa(program, argv, options)
  const totals = await totalsOf(part, file, exitCode === 0)
  console.log(`=== ${part.name}: ${describeTotals(totals)}, ${formatSeconds(performance.now() - started)}`)
  return totals
}

const [wanted, grep] = process.argv.slice(2)
const parts = PARTS.filter(({ name }) => wanted === undefined || name === wanted)
if (parts.length === 0) {
  const names = PARTS.map(({ name }) => name)
  console.error(`scripts/test: "${wanted ?? ''}" is no part of the tests (parts: ${names.join(', ')})`)
  process.exit(2)
}
const directory = await mkdtemp(join(tmpdir(), 'loam-test-'))
try {
  let totals = NONE
  for (const part of parts) totals = add(totals, await runPart(part, { directory, grep }))
  console.log(`\n${describeTotals(totals)}`)
  process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1
} finally {
  await rm(directory, { recursive: true })
}
