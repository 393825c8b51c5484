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

/** Tests that run inside a virtual machine of their own; options are those of run-node-tests.ts. */
const inVm =
  (...patterns: readonly string[]): Part['command'] =>
  ({ totals, grep }) => [
    process.execPath,
    resolve(here, '../lab/vm/run-node-tests.ts'),
    ...['--totals', totals],
    ...grepOf(grep),
    ...patterns,
  ]

/** Tests of agent and scheduler that lie beside those of a whole cluster, and take an API server only. */
const BESIDE_OTHERS = ['own-node-check', 'reclaim-race', 'immediate-claims', 'janitor']

/** Tests of a real API server without nodes. */
const API_SERVER_TESTS = [
  'test/cluster/{daemonset,kube,model}/**/*.test.ts',
  `test/cluster/{agent,scheduler}/{${BESIDE_OTHERS.join(',')}}.test.ts`,
]

/** What one processor of the machine does. */
const ON_THE_MACHINE: readonly Part[] = [
  { name: 'check', counts: 'one test', command: () => ['npm', 'run', '--silent', 'check'] },
  { name: 'unit', counts: 'its totals', command: mocha(['test/unit/**/*.test.ts']) },
  {
    name: 'programs',
    counts: 'nothing',
    command: () => [process.execPath, resolve(here, '../lab/programs/main.ts')],
  },
  { name: 'api-server', counts: 'its totals', command: mocha(API_SERVER_TESTS) },
]

/** What happens in a virtual machine, which has one processor. */
const IN_ONE_VM: readonly Part[] = [
  { name: 'node', counts: 'its totals', command: inVm('test/node/{lab,lvm}/**/*.test.ts') },
  { name: 'csi-node', counts: 'its totals', command: inVm('test/node/csi-node/**/*.test.ts') },
  { name: 'faults', counts: 'its totals', command: inVm('test/node/faults/**/*.test.ts') },
  {
    name: 'sanity',
    counts: 'its totals',
    command: inVm('--with-sanity', 'test/node/sanity/**/*.test.ts'),
  },
]

const IN_A_CLUSTER: readonly Part[] = [
  {
    name: 'cluster',
    counts: 'its totals',
    // those that use the shared lab come last: its nodes cost a third of the machine also when nobody asks them anything
    command: mocha(
      [
        'test/lab/**/*.test.ts',
        'test/cluster/lab/**/*.test.ts',
        `test/cluster/{agent,csi-node,databases,scheduler,scripts}/**/!(${BESIDE_OTHERS.join('|')}).test.ts`,
      ],
      '../cluster/support/shared-lab-hooks.ts',
    ),
  },
]

/** Parts that follow each other. */
export type Row = readonly Part[]

/** All parts. The rows of a stage run beside each other, stages one after another (docs/decisions/0079). */
export const STAGES: readonly (readonly Row[])[] = [[ON_THE_MACHINE, IN_ONE_VM], [IN_A_CLUSTER]]
