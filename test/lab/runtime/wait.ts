import { setTimeout as sleep } from 'node:timers/promises'
import { LabError } from '../vm/errors.ts'

export interface WaitOptions {
  /** What is waited for, as it reads in "timed out after 30 s waiting for …". */
  readonly what: string
  readonly timeoutMs: number
  readonly intervalMs?: number
  /** Called when the time is up: what was seen instead, for the message. */
  readonly describe?: () => Promise<string> | string
}

/**
 * Asks again until the answer is not undefined or false, and returns it. An error thrown by `ask` ends the wait at
 * once: return undefined for "not yet".
 */
export const waitFor = async <Answer>(
  options: WaitOptions,
  ask: () => Promise<Answer | undefined | false>,
): Promise<Answer> => {
  const { what, timeoutMs, intervalMs = 200, describe } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() >= deadline) break
    await sleep(intervalMs)
  }
  const seen = describe === undefined ? '' : `; seen instead: ${await describe()}`
  throw new LabError(what, `did not come true within ${Math.round(timeoutMs / 1000)} s${seen}`)
}
