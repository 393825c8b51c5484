import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'

const RETRY_MS = 2000

export interface Patience {
  readonly log: Logger
  /** Ends the waiting with an error. */
  readonly signal: AbortSignal
  readonly retryMs?: number
}

/** Tries until it works, for what a node has to wait for when it boots. Each new reason is logged once. */
export const untilItWorks = async <Result>(
  what: string,
  work: () => Promise<Result>,
  { log, signal, retryMs = RETRY_MS }: Patience,
): Promise<Result> => {
  let said: string | undefined
  for (;;) {
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      const reason = messageOf(error)
      if (reason !== said) log.warn('waiting', { for: what, because: reason })
      said = reason
      await sleep(retryMs, undefined, { signal })
    }
  }
}
