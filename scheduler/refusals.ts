import { backoffMs, KEY_BACKOFF } from '../kube/backoff.ts'

interface Refused {
  readonly nodes: Set<string>
  times: number
  notBeforeMs: number
}

/** Which nodes have given which claims back, and when each claim may be placed again. Grows with waiting claims only. */
export class Refusals {
  readonly #byUid = new Map<string, Refused>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** A node has given a claim back: each time it waits longer for its next node. */
  add(claimUid: string, nodeName: string): void {
    const known = this.#byUid.get(claimUid) ?? { nodes: new Set<string>(), times: 0, notBeforeMs: 0 }
    known.nodes.add(nodeName)
    known.times += 1
    known.notBeforeMs = this.#now() + backoffMs(KEY_BACKOFF, known.times)
    this.#byUid.set(claimUid, known)
  }

  nodesOf(claimUid: string): ReadonlySet<string> {
    return this.#byUid.get(claimUid)?.nodes ?? new Set()
  }

  /** How long the claim has to wait yet; 0 when it need not. */
  waitMs(claimUid: string): number {
    return Math.max(0, (this.#byUid.get(claimUid)?.notBeforeMs ?? 0) - this.#now())
  }

  /** The claim has its volume, or is gone. */
  forget(claimUid: string): void {
    this.#byUid.delete(claimUid)
  }
}
