import PQueue from 'p-queue'

/** Work that must not overlap, key by key. Nothing is remembered of a key that has no work. */
export class Turns {
  readonly #queues = new Map<string, PQueue>()

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(key) ?? new PQueue({ concurrency: 1 })
    this.#queues.set(key, queue)
    try {
      return await queue.add(work)
    } finally {
      if (queue.size === 0 && queue.pending === 0) this.#queues.delete(key)
    }
  }

  /** Holds the turns of several keys at once; all callers take them in the same order, so none waits for another in a ring. */
  runAll<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
    const [first, ...rest] = [...new Set(keys)].sort()
    return first === undefined ? work() : this.run(first, () => this.runAll(rest, work))
  }
}
