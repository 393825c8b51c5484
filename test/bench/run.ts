// Runs one bench and prints its figures: npm run bench NAME; npm run -s bench NAME -- --json; -- --scale 0.2 for fewer volumes
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

const scaleOf = (text: string): number => {
  const scale = Number(text)
  if (scale > 0 && scale <= 10) return scale
  throw new Error(`--scale is "${text}": allowed are numbers above 0, up to 10`)
}

try {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean' }, scale: { type: 'string', default: '1' } },
    allowPositionals: true,
  })
  const bench = await load(positionals[0])
  const scale = scaleOf(values.scale)
  const scaled = (count: number): number => Math.max(1, Math.round(count * scale))
  const figures = await bench({ progress: (what) => console.error(what), scaled })
  console.log(values.json === true ? figures.map(jsonLine).join('\n') : table(figures))
} catch (error) {
  console.error(`bench: ${messageOf(error)}`)
  process.exitCode = 2
}
