import { deviceFilter } from '../../../lvm/lvm-config.ts'
import { reportCommand } from '../../../lvm/report.ts'
import type { Vm } from '../../lab/vm/types.ts'
import { timeInGuest, type Variant } from '../guest-times.ts'
import type { Figure } from '../report.ts'
import { median, percentile } from '../statistics.ts'

const ROUNDS = 11
const GROUP = 'loam-test'

/** One LVM command with Loam's lvm.conf and one disk, or as the distribution runs it; `env` is in both. */
type Way = (name: string, ...args: readonly string[]) => readonly string[]

const waysFor = (disk: string): { readonly loam: Way; readonly standard: Way } => ({
  loam: (name, ...args) => [
    ...['env', 'LVM_SYSTEM_DIR=/run/loam-test/lvm', 'lvm', name, '--config', deviceFilter([disk])],
    ...args,
  ],
  standard: (name, ...args) => ['env', 'lvm', name, ...args],
})

const makeVolume = (name: string): readonly [string, ...string[]] => [
  ...(['lvcreate', '-an', '-Zn', '-Wn', '--extents', '1', '--name', name, GROUP] as const),
]

/** The command to time, as `way` runs it, and what undoes it. */
const variantsOf = (way: Way, undoWay: Way, kind: string): Readonly<Record<string, Variant>> => ({
  [`${kind}/vgs`]: { command: way('vgs', GROUP) },
  [`${kind}/fullreport`]: { command: way(reportCommand.name, ...reportCommand.options) },
  [`${kind}/lvcreate`]: {
    command: way(...makeVolume('made')),
    undo: undoWay('lvremove', `${GROUP}/made`),
  },
  [`${kind}/lvremove`]: {
    command: way('lvremove', `${GROUP}/victim`),
    undo: undoWay(...makeVolume('victim')),
  },
  [`${kind}/lvchange-tag`]: {
    command: way('lvchange', '--addtag', 'a', `${GROUP}/tagged`),
    undo: undoWay('lvchange', '--deltag', 'a', `${GROUP}/tagged`),
  },
})

/** Other work on the machine only ever makes a run slower: the quarter of the runs that met the least of it. */
const undisturbed = (samples: readonly number[]): number => percentile(samples, 0.25)

const figureOf = (command: string, loam: readonly number[], standard: readonly number[]): Figure => ({
  name: `lvm/${command}`,
  ratio: undisturbed(loam) / undisturbed(standard),
  goal: { atMost: 0.6 },
  raw: {
    loamMs: undisturbed(loam),
    loamMedianMs: median(loam),
    standardMs: undisturbed(standard),
    standardMedianMs: median(standard),
    rounds: ROUNDS,
  },
  method: `first quartile of ${ROUNDS} runs in one VM, in turns: ${command} with Loam's lvm.conf and one disk, over ${command} with the distribution's lvm.conf`,
})

/** What an LVM command costs with the configuration that the agent writes, against the distribution's. */
export const commandFigures = async (vm: Vm, disk: string): Promise<readonly Figure[]> => {
  const { loam, standard } = waysFor(disk)
  for (const name of ['victim', 'tagged']) await vm.run(loam(...makeVolume(name)))
  const variants = { ...variantsOf(loam, loam, 'loam'), ...variantsOf(standard, loam, 'standard') }
  const names = Object.keys(variants)
    .filter((name) => name.startsWith('loam/'))
    .map((name) => name.slice(5))
  const times = await timeInGuest(vm, ROUNDS, variants)
  return names.map((name) => figureOf(name, times[`loam/${name}`] ?? [], times[`standard/${name}`] ?? []))
}
