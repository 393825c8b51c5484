import type { Figure } from './report.ts'

/** What a bench is given: a way to say on standard error what it is doing. */
export interface BenchContext {
  readonly progress: (what: string) => void
}

/** A file test/bench/NAME.bench.ts exports one as `bench`. */
export type Bench = (context: BenchContext) => Promise<readonly Figure[]>
