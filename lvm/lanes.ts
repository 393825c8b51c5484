import PQueue from 'p-queue'

import type { StuckWork } from './stuck-work.ts'

/**
 * Work that must not overlap, lane by lane: one writer for each volume group, one change at a time for each volume.
 *
 * A task whose work outlives its deadline makes its lane stuck: until that work ends, tasks of this lane fail with
 * Stuck at once, and other lanes go on.
 */
export class Lanes {
  readonly #stuck: StuckWork
  readonly #onEnd: () => void
  readonly #queues = new Map<string, PQueue>()

  /** `onEnd` is called after each task, whatever came of it. */
  constructor(stuck: StuckWork, onEnd: () => void = () => undefined) {
    this.#stuck = stuck
    this.#onEnd = onEnd
  }

  /** Whether a task of the lane runs or waits. */
  isBusy(key: string): boolean {
    return this.#queues.has(key)
  }

  /** @throws Stuck when earlier work of the lane has not ended; else what the task throws. */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    this.#stuck.refuse(key)
    const queue = this.#queues.get(key) ?? new PQueue({ concurrency: 1 })
    this.#queues.set(key, queue)
    try {
      return await queue.add(() => this.#stuck.watch(key, task))
    } finally {
      if (queue.size === 0 && queue.pending === 0) this.#queues.delete(key)
      this.#onEnd()
    }
  }
}
