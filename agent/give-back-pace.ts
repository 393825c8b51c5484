import { backoffMs, type Backoff } from '../kube/backoff.ts'

/** kube-scheduler tries a pod again within 10 s; a claim that fits nowhere would be written several times a minute by each node. */
const PACE: Backoff = { firstMs: 1_000, maxMs: 60_000, leastShare: 1 }

/** A claim that did not come back for so long begins anew. */
const FORGET_MS = 10 * 60_000

interface Given {
  readonly times: number
  readonly at: number
}

/**
 * How soon a claim may be given back again. The first time at once; then each time later, because the scheduler may choose
 * this node again and again: its knowledge of capacity is one claim at a time. A hint only: a restart forgets it.
 */
export class GiveBackPace {
  readonly #now: () => number
  readonly #given = new Map<string, Given>()

  /** `now` in milliseconds of a clock that does not jump. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** How long the claims of these UIDs have to stay, in milliseconds; 0 when they may go. */
  delayMs(uids: readonly string[]): number {
    const now = this.#now()
    const delays = uids.map((uid) => {
      const given = this.#given.get(uid)
      return given === undefined ? 0 : given.at + backoffMs(PACE, given.times) - now
    })
    return Math.max(0, ...delays)
  }

  /** Counts that they were given back. */
  note(uids: readonly string[]): void {
    const now = this.#now()
    for (const [uid, { at }] of this.#given) if (now - at > FORGET_MS) this.#given.delete(uid)
    for (const uid of uids) this.#given.set(uid, { times: (this.#given.get(uid)?.times ?? 0) + 1, at: now })
  }
}
