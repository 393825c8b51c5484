import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { formatSeconds } from '../lab/runtime/progress.ts'
import { PARTS, type Part } from './parts.ts'
import { add, describeTotals, NONE, parseTotals, type Totals } from './totals.ts'

/** Runs one part; a part that ends without totals has failed once, whatever it printed. */
const runPart = async (part: Part, directory: string, grep: string | undefined): Promise<Totals> => {
  const totals = join(directory, part.name)
  const [program, ...argv] = part.command({ totals, grep })
  const started = performance.now()
  console.log(`\n=== ${part.name}`)
  const { exitCode } = await execa(program, argv, { stdio: ['ignore', 'inherit', 'inherit'], reject: false })
  const isGood = exitCode === 0
  const counted = part.counts ? parseTotals(await readFile(totals, 'utf8').catch(() => '')) : undefined
  const result = counted ?? (isGood && !part.counts ? { ...NONE, passed: 1 } : { ...NONE, failed: 1 })
  // Something after the last test failed, a hook for all files for instance.
  const honest = !isGood && result.failed === 0 ? { ...result, failed: 1 } : result
  console.log(`=== ${part.name}: ${describeTotals(honest)}, ${formatSeconds(performance.now() - started)}`)
  return honest
}

const [wanted, grep] = process.argv.slice(2)
const parts = wanted === undefined ? PARTS : PARTS.filter(({ name }) => name === wanted)
if (parts.length === 0) {
  console.error(
    `scripts/test: "${wanted ?? ''}" is no part of the tests (parts: ${PARTS.map(({ name }) => name).join(', ')})`,
  )
  process.exit(2)
}
const directory = await mkdtemp(join(tmpdir(), 'loam-test-'))
try {
  let totals = NONE
  for (const part of parts) totals = add(totals, await runPart(part, directory, grep))
  console.log(`\n${describeTotals(totals)}`)
  process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1
} finally {
  await rm(directory, { recursive: true })
}
