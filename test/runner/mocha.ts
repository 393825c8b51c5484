import { glob, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import Mocha from 'mocha'
import { watchSuites } from './slowest.ts'
import type { Totals } from './totals.ts'

/**
 * Runs mocha on the files that the patterns name, prints its report and what took longest, and writes the totals to a file:
 * mocha.ts --totals FILE [--grep TEXT] [--fixtures MODULE] PATTERN…
 */
const options = {
  totals: { type: 'string' },
  grep: { type: 'string' },
  fixtures: { type: 'string' },
} as const

interface Fixtures {
  readonly mochaGlobalSetup: () => Promise<void>
  readonly mochaGlobalTeardown: () => Promise<void>
}

/** In the order of the patterns, and by name within each. */
const filesOf = async (patterns: readonly string[]): Promise<string[]> => {
  const files: string[] = []
  for (const pattern of patterns) {
    const matching: string[] = []
    for await (const file of glob(pattern)) matching.push(file)
    files.push(...matching.sort())
  }
  return files
}

const run = async (mocha: Mocha): Promise<Totals> => {
  await mocha.loadFilesAsync()
  return new Promise((resolve) => {
    const runner = mocha.run((failed) => {
      const { passes, pending } = runner.stats ?? { passes: 0, pending: 0 }
      for (const line of slowest()) console.log(line)
      resolve({ passed: passes, failed, skipped: pending })
    })
    const slowest = watchSuites(runner)
  })
}

const { values, positionals } = parseArgs({ options, allowPositionals: true, strict: true })
const files = await filesOf(positionals)
if (files.length === 0) throw new Error(`no test file matches ${positionals.join(' ')}`)
const mocha = new Mocha({
  timeout: 10_000,
  forbidOnly: true,
  ...(values.grep === undefined ? {} : { grep: values.grep }),
})
for (const file of files) mocha.addFile(file)
const fixtures = values.fixtures === undefined ? undefined : ((await import(values.fixtures)) as Fixtures)
await fixtures?.mochaGlobalSetup()
const totals = await run(mocha)
await fixtures?.mochaGlobalTeardown()
if (values.totals !== undefined) await writeFile(values.totals, JSON.stringify(totals))
process.exit(totals.failed === 0 ? 0 : 1)
