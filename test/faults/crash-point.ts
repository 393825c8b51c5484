import { subscribe } from 'node:diagnostics_channel'

import { FAILPOINT_CHANNEL } from '../../core/failpoints.ts'
import type { Command, CommandRunner } from '../../lvm/command-runner.ts'

/** Options whose value tells two steps of one name apart. */
const TELLING = ['--addtag', '--deltag', '--offset']

const detailOf = ({ args }: Command): string =>
  TELLING.map((option) => args[args.indexOf(option) + 1 || args.length])
    .filter((value) => value !== undefined)
    .slice(0, 1)
    .join('')

/** The moments of a step at which a process is killed. `during`: its program has just been started, and goes on. */
type When = 'before' | 'during' | 'after'

/** Counts how often each was seen since the last `clear`. */
const counter = (): { next: (what: string) => number; clear: () => void } => {
  const seen = new Map<string, number>()
  return {
    next: (what) => {
      const count = (seen.get(what) ?? 0) + 1
      seen.set(what, count)
      return count
    },
    clear: () => {
      seen.clear()
    },
  }
}

/** The last change that the dead have left, as their points name it: what the next process flushes first. */
export const changeLeftBy = (spent: readonly string[]): string => {
  const change = /^[^/]+\/(?:during|after)\.(?!flush-device)(.*)$/
  return spent.flatMap((point) => change.exec(point)?.[1] ?? []).at(-1) ?? 'the start'
}

/**
 * Names every failpoint that this process passes, with what tells it from others of its step: `before.tag-volume
 * loam.state=used`. A flush has its number since the last change, of this process or of the dead (`left`), so that no
 * two share a name: `after.flush-device 2 of create-volume`, `after.flush-device 1 of create-volume, left`. `die` is
 * called within the step, and is expected not to return when it takes the point.
 */
export const watchCrashPoints = (
  inner: CommandRunner,
  left: string,
  die: (point: string, when: When) => void,
): CommandRunner => {
  const running: Command[] = []
  let change = `${left}, left`
  const flushes = counter()
  subscribe(FAILPOINT_CHANNEL, (message) => {
    const failpoint = String(message)
    const [when = '', step = ''] = failpoint.split('.')
    const program = running.findLast((each) => each.effect === 'change' && each.step === step)
    const detail = program === undefined ? '' : detailOf(program)
    const own = `${step}${detail === '' ? '' : ` ${detail}`}`
    const name = step === 'flush-device' ? `${step} ${flushes.next(when)} of ${change}` : own
    if (program !== undefined && when === 'before') {
      change = own
      flushes.clear()
    }
    die(`${when}.${name}`, when as When)
    // the program starts within this turn
    if (program !== undefined && when === 'before') setImmediate(() => die(`during.${name}`, 'during'))
  })
  return {
    run: async (command) => {
      running.push(command)
      try {
        return await inner.run(command)
      } finally {
        running.splice(running.indexOf(command), 1)
      }
    },
  }
}
