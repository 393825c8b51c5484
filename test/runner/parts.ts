import { resolve } from 'node:path'

/** One part of the tests: a program that prints its report and, when it counts, writes its totals to a file. */
export interface Part {
  readonly name: string
  /** Command line; `totals` is the file for the totals. */
  readonly command: (options: {
    readonly totals: string
    readonly grep: string | undefined
  }) => readonly [string, ...string[]]
  /** Without totals of its own the exit status counts as one test. */
  readonly counts: boolean
}

const here = import.meta.dirname
const grepOf = (grep: string | undefined): string[] => (grep === undefined ? [] : ['--grep', grep])

const mocha =
  (patterns: readonly string[], fixtures?: string): Part['command'] =>
  ({ totals, grep }) => [
    process.execPath,
    resolve(here, 'mocha.ts'),
    ...['--totals', totals],
    ...grepOf(grep),
    ...(fixtures === undefined ? [] : ['--fixtures', resolve(here, fixtures)]),
    ...patterns,
  ]

/** In the order in which they run: the quick ones first. */
export const PARTS: readonly Part[] = [
  { name: 'check', counts: false, command: () => ['npm', 'run', '--silent', 'check'] },
  { name: 'unit', counts: true, command: mocha(['test/unit/**/*.test.ts']) },
  {
    name: 'node',
    counts: true,
    command: ({ totals, grep }) => [
      process.execPath,
      resolve(here, '../lab/vm/run-node-tests.ts'),
      ...['--totals', totals],
      ...grepOf(grep),
    ],
  },
  {
    name: 'cluster',
    counts: true,
    command: mocha(
      ['test/lab/**/*.test.ts', 'test/cluster/**/*.test.ts'],
      '../cluster/support/shared-lab-hooks.ts',
    ),
  },
]
