import type { Vm } from '../lab/vm/types.ts'
import { quoteAll } from '../lab/vm/shell.ts'

/** A command to time, and what to run untimed after each time it ran, so that the next one finds what this one found. */
export interface Variant {
  readonly command: readonly string[]
  readonly undo?: readonly string[]
}

const silently = (command: readonly string[]): string => `${quoteAll(command)} >/dev/null 2>/run/bench-errors`

const step = (name: string, { command, undo }: Variant): string =>
  [
    'before=$EPOCHREALTIME',
    `${silently(command)} || { cat /run/bench-errors >&2; exit 1; }`,
    'after=$EPOCHREALTIME',
    `echo ${name} $((\${after/./} - \${before/./}))`,
    ...(undo === undefined ? [] : [`${silently(undo)} || { cat /run/bench-errors >&2; exit 1; }`]),
  ].join('\n')

/**
 * Times commands inside the VM, in milliseconds of fork, run and wait. The variants take turns in every round, so that
 * a slow moment of the machine meets all of them; the first round warms up and is not counted.
 */
export const timeInGuest = async <Name extends string>(
  vm: Vm,
  rounds: number,
  variants: Readonly<Record<Name, Variant>>,
): Promise<Readonly<Record<Name, readonly number[]>>> => {
  const names = Object.keys(variants) as Name[]
  const turns = names.map((name) => step(name, variants[name])).join('\n')
  const output = await vm.run(['bash', '-s'], {
    input: { text: `for round in {0..${rounds}}; do\n${turns}\ndone\n` },
  })
  const times = output
    .trim()
    .split('\n')
    .slice(names.length)
    .map((line) => line.split(' '))
  const samples = names.map((name) => [
    name,
    times.filter(([which]) => which === name).map(([, us]) => Number(us) / 1000),
  ])
  return Object.fromEntries(samples) as Record<Name, readonly number[]>
}
