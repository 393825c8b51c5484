import type { Figure } from './report.ts'

/** What a bench is given: a way to say on standard error what it is doing. */
export interface BenchContext {
  readonly progress: (what: string) => void
  /** A count as it was asked for on the command line: all of it, or `--scale` of it and never less than one. */
  readonly scaled: (count: number) => number
}

/** A file test/bench/NAME.bench.ts exports one as `bench`. */
export type Bench = (context: BenchContext) => Promise<readonly Figure[]>
