import { median } from '../statistics.ts'
import type { TimedCommand } from './timed-runner.ts'

/** One call and the commands that it ran. */
export interface TimedCall {
  readonly ms: number
  readonly commands: readonly TimedCommand[]
}

/** What the commands of one call took, by name, and what is left of the call without them. */
const partsOf = ({ ms, commands }: TimedCall): Readonly<Record<string, number>> => {
  const parts: Record<string, number> = {}
  for (const { name, ms: took } of commands) parts[name] = (parts[name] ?? 0) + took
  return { ...parts, rest: ms - commands.reduce((sum, command) => sum + command.ms, 0) }
}

/**
 * Medians of the parts of several runs of one call, `NAMEMs`: each command, its repetitions in a call taken together, and
 * `restMs` for all that is no command. A command that did not run in a call counts as 0 there.
 */
export const breakdownOf = (calls: readonly TimedCall[]): Readonly<Record<string, number>> => {
  const parts = calls.map(partsOf)
  const names = new Set(parts.flatMap((each) => Object.keys(each)))
  return Object.fromEntries(
    [...names].map((name) => [`${name}Ms`, median(parts.map((each) => each[name] ?? 0))]),
  )
}
