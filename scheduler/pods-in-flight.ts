import { requestedBytes, type ComingClaim } from './claims-in-flight.ts'

/** How long a pod that was let through counts without its claims showing where it goes. */
const HOLD_MS = 2000

interface Held {
  readonly claims: Map<string, ComingClaim>
  readonly nodeNames: ReadonlySet<string>
  readonly untilMs: number
}

/**
 * Pods that were let through a moment ago. Which of its nodes kube-scheduler takes is not known before the pod's claims
 * name it, and the next pod is asked about before that: until then a pod counts on each node that it was let through to.
 * Only in memory: kube-scheduler asks one replica at a time, and a pod that two replicas let through is given back by its
 * node's agent.
 */
export class PodsInFlight {
  readonly #byPod = new Map<string, Held>()
  readonly #podOfClaim = new Map<string, string>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** The pod may go to one of these nodes; what was held for it before is forgotten. */
  hold(podUid: string, claims: readonly ComingClaim[], nodeNames: readonly string[]): void {
    this.#forget(podUid)
    if (claims.length === 0 || nodeNames.length === 0) return
    const byUid = new Map(claims.map((claim) => [claim.uid, claim]))
    this.#byPod.set(podUid, {
      ...{ claims: byUid, nodeNames: new Set(nodeNames), untilMs: this.#now() + HOLD_MS },
    })
    for (const uid of byUid.keys()) this.#podOfClaim.set(uid, podUid)
  }

  /** The API shows where a claim goes, or that it is gone: it is no longer counted here. */
  settle(claimUid: string): void {
    const podUid = this.#podOfClaim.get(claimUid)
    if (podUid === undefined) return
    this.#podOfClaim.delete(claimUid)
    const held = this.#byPod.get(podUid)
    held?.claims.delete(claimUid)
    if (held?.claims.size === 0) this.#byPod.delete(podUid)
  }

  /** Those of other pods than this one. */
  others(podUid: string): readonly Pick<Held, 'claims' | 'nodeNames'>[] {
    const now = this.#now()
    for (const [uid, held] of this.#byPod) if (held.untilMs <= now) this.#forget(uid)
    return [...this.#byPod].filter(([uid]) => uid !== podUid).map(([, held]) => held)
  }

  /** What the claims of all that is held ask for. */
  get bytes(): number {
    const claims = this.others('').flatMap((held) => [...held.claims.values()])
    return Number(requestedBytes(claims))
  }

  #forget(podUid: string): void {
    for (const uid of this.#byPod.get(podUid)?.claims.keys() ?? []) this.#podOfClaim.delete(uid)
    this.#byPod.delete(podUid)
  }
}
