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

/**
 * Names every failpoint that this process passes, with what tells it from others of its step: `before.tag-volume
 * loam.state=used`. `die` is called within the step, and is expected not to return when it takes the point.
 */
export const watchCrashPoints = (
  inner: CommandRunner,
  die: (point: string, when: When) => void,
): CommandRunner => {
  let command: Command | undefined
  let change = ''
  subscribe(FAILPOINT_CHANNEL, (message) => {
    const failpoint = String(message)
    const [when = '', step = ''] = failpoint.split('.')
    const isProgram = command?.effect === 'change' && command.step === step
    const detail = isProgram && command !== undefined ? detailOf(command) : ''
    const own = `${step}${detail === '' ? '' : ` ${detail}`}`
    const name = step === 'flush-device' ? `${step} of ${change}` : own
    if (isProgram && when === 'before') change = own
    die(`${when}.${name}`, when as When)
    // the program starts within this turn
    if (isProgram && when === 'before') setImmediate(() => die(`during.${name}`, 'during'))
  })
  return {
    run: (next) => {
      command = next
      return inner.run(next)
    },
  }
}
