import { quoteAll } from '../../lab/vm/shell.ts'
import { createLvm, type Lvm } from '../../../lvm/lvm.ts'
import type { LvmCommand } from '../../../lvm/lvm-command.ts'
import { reportCommand } from '../../../lvm/report.ts'
import { createCommandRunner } from '../../../lvm/command-runner.ts'
import { silentLogger } from '../../../core/logger.ts'
import { SYSTEM_DIRECTORY, usualRunner } from '../../node/lvm/fixture.ts'
import type { Figure } from '../report.ts'
import { median, percentile } from '../statistics.ts'
import { bash } from './bare.ts'

const ROUNDS = 11
const GROUP = 'loam-test'

type Words = readonly string[]

const reading = (name: 'vgs' | 'fullreport', options: Words, operands: Words): LvmCommand => ({
  ...{ name, options, operands, effect: 'read' },
})
const changing = (
  name: 'lvcreate' | 'lvchange' | 'lvremove',
  options: Words,
  operand: string,
): LvmCommand => ({
  ...{ name, options, operands: [operand], effect: 'change', step: 'create-volume', onlyMetadata: true },
})
const makeVolume = (name: string): LvmCommand =>
  changing('lvcreate', ['-an', '-Zn', '-Wn', '--extents', '1', '--name', name], GROUP)

/** What is timed, and what undoes it untimed, so that the next one finds what this one found. */
const COMMANDS: Readonly<Record<string, { readonly command: LvmCommand; readonly undo?: LvmCommand }>> = {
  vgs: { command: reading('vgs', ['--reportformat', 'json'], [GROUP]) },
  fullreport: { command: reading('fullreport', reportCommand.options, []) },
  lvcreate: { command: makeVolume('made'), undo: changing('lvremove', [], `${GROUP}/made`) },
  lvremove: { command: changing('lvremove', [], `${GROUP}/victim`), undo: makeVolume('victim') },
  'lvchange-tag': {
    command: changing('lvchange', ['--addtag', 'a'], `${GROUP}/tagged`),
    undo: changing('lvchange', ['--deltag', 'a'], `${GROUP}/tagged`),
  },
}

const doIt = async (lvm: Lvm, disk: string, command: LvmCommand): Promise<number> => {
  const start = performance.now()
  const { exitCode, stderr } = await lvm.run(command, [disk])
  if (exitCode !== 0) throw new Error(`lvm ${command.name}: ${stderr}`)
  return performance.now() - start
}

/** Milliseconds of the command with the distribution's lvm.conf, started by bash. */
const doItByBash = async ({ name, options, operands }: LvmCommand): Promise<number> => {
  const line = quoteAll(['lvm', name, ...options, ...operands])
  const output = await bash(`
exec 3>&1 >/dev/null
before=$EPOCHREALTIME
${line} 2>/run/bench-errors || { cat /run/bench-errors >&2; exit 1; }
after=$EPOCHREALTIME
echo $((\${after/./} - \${before/./})) >&3`)
  return Number(output) / 1000
}

/** Milliseconds of each round. `process`: as Loam does it while its shell is at something else. */
interface Times {
  readonly loam: number[]
  readonly process: number[]
  readonly standard: number[]
}

/** In the guest: each command with Loam's lvm.conf and one disk, and as the distribution runs it, in turns. */
export const measureCommands = async (disk: string): Promise<Readonly<Record<string, Times>>> => {
  const lvm = createLvm(usualRunner, SYSTEM_DIRECTORY)
  const processes = createLvm(createCommandRunner({ log: silentLogger }), SYSTEM_DIRECTORY)
  for (const name of ['victim', 'tagged']) await doIt(lvm, disk, makeVolume(name))
  const all: Record<string, Times> = {}
  for (const [name, { command, undo }] of Object.entries(COMMANDS)) {
    const times: Times = { loam: [], process: [], standard: [] }
    for (let round = 0; round <= ROUNDS; round += 1) {
      const ways = {
        loam: () => doIt(lvm, disk, command),
        process: () => doIt(processes, disk, command),
        standard: () => doItByBash(command),
      }
      for (const [way, time] of Object.entries(ways)) {
        const took = await time()
        // the first round warms up
        if (round > 0) times[way as keyof Times].push(took)
        if (undo !== undefined) await doIt(lvm, disk, undo)
      }
    }
    all[name] = times
  }
  return all
}

/** Other work on the machine only ever makes a run slower: the quarter of the runs that met the least of it. */
const undisturbed = (samples: readonly number[]): number => percentile(samples, 0.25)

/** What an LVM command costs as the agent runs it, against the distribution's. */
export const commandFigures = (all: Readonly<Record<string, Times>>): readonly Figure[] =>
  Object.entries(all).map(([command, { loam, process, standard }]) => ({
    name: `lvm/${command}`,
    ratio: undisturbed(loam) / undisturbed(standard),
    goal: { atMost: 0.6 },
    raw: {
      loamMs: undisturbed(loam),
      loamMedianMs: median(loam),
      processMs: undisturbed(process),
      standardMs: undisturbed(standard),
      standardMedianMs: median(standard),
      rounds: ROUNDS,
    },
    method: `first quartile of ${ROUNDS} runs in one VM, in turns: ${command} as the agent has it done, by its shell of LVM, from the call to the answer, over ${command} with the distribution's lvm.conf, started by bash`,
  }))
