import PQueue from 'p-queue'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { backoffMs, KEY_BACKOFF, type Backoff } from './backoff.ts'
import { KubeError } from './errors.ts'

export interface ReconcileResult {
  /** Look at this key again after so long, whether or not something changes. */
  readonly requeueAfterMs?: number
}

export interface WorkQueueOptions {
  /** Names the queue in logs. */
  readonly name: string
  /** How many keys are worked on at once; the same key never twice at once. */
  readonly concurrency: number
  /** Brings one key to where it should be, from a fresh look. A throw is retried with backoff. `signal` fires on stop. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<ReconcileResult | undefined>
  readonly log: Logger
  readonly backoff?: Backoff
}

export interface WorkQueue {
  /** Work on this key soon. Any number of calls before it starts are one; a call while it runs makes one more run. */
  readonly add: (key: string) => void
  /** As `add`, after a while. Of several times for one key the earliest counts. */
  readonly addAfter: (key: string, delayMs: number) => void
  /** Starts nothing more, and waits for what is running. */
  readonly stop: () => Promise<void>
  /** How much there is to do. */
  readonly load: () => QueueLoad
}

interface QueueLoad {
  /** Name of the queue. */
  readonly queue: string
  /** Keys that wait for a turn, and keys that have one; those that are to be looked at later are not counted. */
  readonly depth: number
  /** Keys whose last look failed. */
  readonly failing: number
}

/** setTimeout fires at once beyond this. */
const MAX_TIMER_MS = 2 ** 31 - 1

interface Alarm {
  readonly at: number
  readonly timer: NodeJS.Timeout
}

/** See WorkQueue. Nothing is remembered of a key that is neither waiting, running nor failing. */
export const createWorkQueue = (options: WorkQueueOptions): WorkQueue => {
  const { name, reconcile, log, backoff = KEY_BACKOFF } = options
  const slots = new PQueue({ concurrency: options.concurrency })
  const stopping = new AbortController()
  const waiting = new Set<string>()
  const running = new Set<string>()
  const failures = new Map<string, number>()
  const alarms = new Map<string, Alarm>()

  const add = (key: string): void => {
    if (stopping.signal.aborted || waiting.has(key)) return
    waiting.add(key)
    if (!running.has(key)) void slots.add(() => run(key))
  }

  const addAfter = (key: string, delayMs: number): void => {
    if (stopping.signal.aborted) return
    const at = performance.now() + delayMs
    const set = alarms.get(key)
    if (set !== undefined && set.at <= at) return
    clearTimeout(set?.timer)
    const ring = (): void => {
      alarms.delete(key)
      add(key)
    }
    alarms.set(key, { at, timer: setTimeout(ring, Math.max(0, Math.min(delayMs, MAX_TIMER_MS))) })
  }

  const retryLater = (key: string, error: unknown): void => {
    const failed = (failures.get(key) ?? 0) + 1
    failures.set(key, failed)
    const askedMs = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0
    const waitMs = Math.max(askedMs, backoffMs(backoff, failed))
    log.warn('Work failed and will be tried again', {
      queue: name,
      key,
      failed,
      waitMs,
      error: messageOf(error),
    })
    addAfter(key, waitMs)
  }

  const run = async (key: string): Promise<void> => {
    waiting.delete(key)
    if (stopping.signal.aborted) return
    running.add(key)
    try {
      const result = await reconcile(key, stopping.signal)
      failures.delete(key)
      if (result?.requeueAfterMs !== undefined) addAfter(key, result.requeueAfterMs)
    } catch (error) {
      retryLater(key, error)
    } finally {
      running.delete(key)
      if (waiting.has(key)) void slots.add(() => run(key))
    }
  }

  return {
    add,
    addAfter,
    load: () => ({ queue: name, depth: waiting.size + running.size, failing: failures.size }),
    stop: async () => {
      stopping.abort()
      for (const { timer } of alarms.values()) clearTimeout(timer)
      alarms.clear()
      slots.clear()
      await slots.onIdle()
    },
  }
}
