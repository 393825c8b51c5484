/**
 * The scheduler process takes off what a claim takes for ten seconds after it was bound, unless a report counts it; until it is
 * bound some time goes by, and the report that says so may come seconds later.
 */
const REMEMBERED_MS = 30_000

/**
 * UIDs of claims that got their PersistentVolumes here a moment ago: in the API they may be on their way still, and reports
 * say that they are counted. Only in memory: after a restart of the agent they are counted twice for seconds.
 */
export class ServedClaims {
  readonly #untilMs = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  note(claimUid: string): void {
    this.#untilMs.delete(claimUid)
    this.#untilMs.set(claimUid, this.#now() + REMEMBERED_MS)
  }

  uids(): string[] {
    const now = this.#now()
    for (const [uid, untilMs] of this.#untilMs) {
      // in the order in which they were noted
      if (untilMs > now) break
      this.#untilMs.delete(uid)
    }
    return [...this.#untilMs.keys()]
  }
}
