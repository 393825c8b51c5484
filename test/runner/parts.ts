import { resolve } from 'node:path'

/** One part of the tests: a program that prints its report and, when it counts, writes its totals to a file. */
export interface Part {
  readonly name: string
  /** Command line; `totals` is the file for the totals. */
  readonly command: (options: {
    readonly totals: string
    readonly grep: string | undefined
  }) => readonly [string, ...string[]]
  /** What its end adds to the totals: those that it wrote, one test (its exit status), or nothing when all is well. */
  readonly counts: 'its totals' | 'one test' | 'nothing'
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

/** Tests that run inside a virtual machine of their own. */
const inVm =
  (...patterns: readonly string[]): Part['command'] =>
  ({ totals, grep }) => [
    process.execPath,
    resolve(here, '../lab/vm/run-node-tests.ts'),
    ...['--totals', totals],
    ...grepOf(grep),
    ...patterns,
  ]

/**
 * Two rows of parts that run side by side, each in its order. A cluster waits more than it works, so the one virtual
 * machine of the node tests costs it little; both together take half an hour instead of one.
 */
export const LANES: readonly (readonly Part[])[] = [
  [
    {
      name: 'programs',
      counts: 'nothing',
      command: () => [process.execPath, resolve(here, '../lab/programs/main.ts')],
    },
    {
      name: 'cluster',
      counts: 'its totals',
      command: mocha(
        ['test/lab/**/*.test.ts', 'test/cluster/**/*.test.ts'],
        '../cluster/support/shared-lab-hooks.ts',
      ),
    },
    { name: 'faults', counts: 'its totals', command: inVm('test/node/faults/**/*.test.ts') },
  ],
  [
    { name: 'check', counts: 'one test', command: () => ['npm', 'run', '--silent', 'check'] },
    { name: 'unit', counts: 'its totals', command: mocha(['test/unit/**/*.test.ts']) },
    {
      name: 'node',
      counts: 'its totals',
      command: inVm('test/node/{csi-node,lab,lvm}/**/*.test.ts'),
    },
  ],
]
