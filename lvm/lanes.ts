import PQueue from 'p-queue'

import { Busy, OutcomeUnknown } from './errors.ts'

interface Lane {
  readonly queue: PQueue
  /** What is still running after its deadline; nothing is started behind it. */
  stuckOn: OutcomeUnknown | undefined
}

/**
 * Work that must not overlap, lane by lane: one writer for each volume group, one change at a time for each volume.
 *
 * A task that fails with an OutcomeUnknown whose work goes on makes its lane stuck: until that work ends, tasks of
 * this lane fail with Busy at once, and other lanes go on.
 */
export class Lanes {
  readonly #kind: string
  readonly #lanes = new Map<string, Lane>()

  /** `kind` is for messages: `volume group`. */
  constructor(kind: string) {
    this.#kind = kind
  }

  /** @throws Busy when earlier work of the lane is stuck; else what the task throws. */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const lane = this.#lane(key)
    this.#refuseIfStuck(key, lane)
    try {
      return await lane.queue.add(async () => {
        this.#refuseIfStuck(key, lane)
        return await this.#watch(lane, task)
      })
    } finally {
      if (lane.queue.size === 0 && lane.queue.pending === 0 && lane.stuckOn === undefined)
        this.#lanes.delete(key)
    }
  }

  #lane(key: string): Lane {
    const known = this.#lanes.get(key)
    if (known !== undefined) return known
    const lane: Lane = { queue: new PQueue({ concurrency: 1 }), stuckOn: undefined }
    this.#lanes.set(key, lane)
    return lane
  }

  #refuseIfStuck(key: string, lane: Lane): void {
    if (lane.stuckOn === undefined) return
    throw new Busy(`${this.#kind} ${key}`, `earlier work has not ended: ${lane.stuckOn.message}`, {
      advice: 'a disk that does not answer is the usual cause; nothing more is started until it ends',
    })
  }

  async #watch<T>(lane: Lane, task: () => Promise<T>): Promise<T> {
    try {
      return await task()
    } catch (error) {
      if (error instanceof OutcomeUnknown && error.ended !== undefined) {
        lane.stuckOn = error
        void error.ended.then(() => (lane.stuckOn = undefined))
      }
      throw error
    }
  }
}
