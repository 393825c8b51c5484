// Runs one bench and prints its figures: npm run bench NAME; npm run -s bench NAME -- --json
import { readdir } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { messageOf } from '../../core/errors.ts'
import type { Bench } from './bench.ts'
import { jsonLine, table } from './report.ts'

const SUFFIX = '.bench.ts'

const benchNames = async (): Promise<readonly string[]> =>
  (await readdir(import.meta.dirname))
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .sort()

const load = async (name: string | undefined): Promise<Bench> => {
  const names = await benchNames()
  if (name === undefined || !names.includes(name))
    throw new Error(
      `${name === undefined ? 'no bench named' : `no bench "${name}"`}; there are: ${names.join(', ')}`,
    )
  return ((await import(`./${name}${SUFFIX}`)) as { bench: Bench }).bench
}

try {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean' } },
    allowPositionals: true,
  })
  const bench = await load(positionals[0])
  const figures = await bench({ progress: (what) => console.error(what) })
  console.log(values.json === true ? figures.map(jsonLine).join('\n') : table(figures))
} catch (error) {
  console.error(`bench: ${messageOf(error)}`)
  process.exitCode = 2
}
