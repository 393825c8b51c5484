import type Mocha from 'mocha'
import { formatSeconds } from '../lab/runtime/progress.ts'

/** How many are told. */
const TOLD = 15

/** Shorter ones are not worth a line. */
const LEAST_MS = 1000

/**
 * Measures the outermost suites of a run, with their hooks, which mocha's own report leaves out: making disks blank may take
 * longer than the tests. Call the answer at the end: a line for each of the slowest, the slowest first.
 */
export const watchSuites = (runner: Mocha.Runner, leastMs = LEAST_MS): (() => readonly string[]) => {
  const begun = new Map<string, number>()
  const tookMs = new Map<string, number>()
  const isOutermost = (suite: Mocha.Suite): boolean => suite.parent?.root === true
  runner.on('suite', (suite) => {
    if (isOutermost(suite)) begun.set(suite.title, performance.now())
  })
  runner.on('suite end', (suite) => {
    if (!isOutermost(suite)) return
    const ms = performance.now() - (begun.get(suite.title) ?? 0)
    tookMs.set(suite.title, (tookMs.get(suite.title) ?? 0) + ms)
  })
  return () =>
    [...tookMs]
      .filter(([, ms]) => ms >= leastMs)
      .sort(([, one], [, other]) => other - one)
      .slice(0, TOLD)
      .map(([title, ms]) => `${formatSeconds(ms).padStart(11)}  ${title}`)
}
