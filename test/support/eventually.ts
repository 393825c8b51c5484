import { setTimeout as sleep } from 'node:timers/promises'

/** For a machine that is busy with other tests: a condition that comes true costs nothing of it. */
const WITHIN_MS = 60_000

/** Asks until the answer is neither undefined nor false, and gives it. @throws Error naming what did not come true */
export const eventually = async <Answer>(
  what: string,
  ask: () => Promise<Answer | undefined | false> | Answer | undefined | false,
  withinMs = WITHIN_MS,
): Promise<Answer> => {
  const deadline = performance.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > deadline) throw new Error(`did not come true within ${withinMs} ms: ${what}`)
    await sleep(10)
  }
}

/** The error that a promise ends with. @throws Error when it does not fail, or fails with another class */
export const failureOf = async <Failure extends Error>(
  promise: Promise<unknown>,
  expected: new (...args: never[]) => Failure,
): Promise<Failure> => {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in outcome && outcome.error instanceof expected) return outcome.error
  throw new Error(`expected ${expected.name}, got ${'error' in outcome ? String(outcome.error) : 'success'}`)
}
