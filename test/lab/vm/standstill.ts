import { setTimeout as sleep } from 'node:timers/promises'
import { LabError } from './errors.ts'
import type { Vm } from './types.ts'

/** A guest that answers nothing any more, although its VM runs: nothing that it was given will end. */
export class StoodStill extends LabError {}

interface Limits {
  readonly askEveryMs: number
  /** Far longer than the busiest guest takes to start a program. */
  readonly answerWithinMs: number
}

const LIMITS: Limits = { askEveryMs: 30_000, answerWithinMs: 120_000 }

/**
 * Does work with a VM, and asks the guest from time to time whether it still runs programs. The kernel of a guest was seen to
 * turn in one place for ever: the work would be waited for until somebody's patience ends.
 *
 * @throws StoodStill when it does not answer; the VM is cut then.
 */
export const unlessItStandsStill = async <Result>(
  vm: Vm,
  work: () => Promise<Result>,
  { askEveryMs, answerWithinMs }: Limits = LIMITS,
): Promise<Result> => {
  const done = new AbortController()
  const standstill = async (): Promise<never> => {
    for (;;) {
      await sleep(askEveryMs, undefined, { signal: done.signal })
      const answer = await vm.run(['true'], { timeoutMs: answerWithinMs }).catch((error: unknown) => error)
      if (!(answer instanceof Error) || done.signal.aborted) continue
      const what = `stands still: it has not run a program for ${answerWithinMs / 1000} s, and was cut`
      throw new StoodStill(`VM ${vm.name}`, what, { cause: answer })
    }
  }
  try {
    return await Promise.race([work(), standstill()])
  } catch (error) {
    if (error instanceof StoodStill) await vm.cut()
    throw error
  } finally {
    done.abort()
  }
}
