import type { ClaimView } from '../kube/claim-view.ts'

/** A claim that is to get a volume: what its room is reckoned from. */
export type ComingClaim = Pick<ClaimView, 'uid' | 'storageClassName' | 'requestBytes'>

/** What claims ask for together, as asked: without rounding to extents. */
export const requestedBytes = (claims: readonly Pick<ComingClaim, 'requestBytes'>[]): bigint =>
  claims.reduce((sum, { requestBytes }) => sum + (requestBytes ?? 0n), 0n)

/** A node that was written, and that the watch has not shown yet. */
interface Assumed {
  readonly resourceVersion: string
  readonly nodeName: string
}

/** How long a claim that left counts, unless a report says that it counts it already. */
const LEFT_MS = 10_000

const NONE: ReadonlyMap<string, ComingClaim> = new Map()

/**
 * Claims that have a node and no volume yet, by node. From the API, so that every replica reckons the same, and from what
 * this one wrote in the moment before the watch shows it.
 *
 * A claim that has got its volume stays for a while: agents tell their numbers later than the volume, and a report that comes
 * after it may have been reckoned before. Reports name the claims that they count, and only that says so: what neither
 * counted would be given away twice.
 */
export class ClaimsInFlight {
  readonly #byNode = new Map<string, Map<string, ComingClaim>>()
  readonly #nodeByUid = new Map<string, string>()
  readonly #assumed = new Map<string, Assumed>()
  readonly #versions = new Map<string, number>()
  #version = 0
  /** UIDs of those that got their volume, or went without a word of it before, and until when they count. */
  readonly #left = new Map<string, number>()
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** What the watch has shown of a claim; undefined when it has got its volume, or is gone. */
  heed(now: ClaimView | undefined, before: ClaimView | undefined): void {
    const uid = (now ?? before)?.uid ?? ''
    if (now === undefined || this.#assumed.get(uid)?.resourceVersion !== now.resourceVersion)
      this.#assumed.delete(uid)
    if (now === undefined && this.#nodeByUid.has(uid)) {
      this.#left.set(uid, this.#now() + LEFT_MS)
      return
    }
    this.#left.delete(uid)
    this.#move(uid, now === undefined || now.isBeingDeleted ? undefined : now)
  }

  /** The claim, as it was decided upon, has been given to a node. */
  assume(claim: ClaimView, nodeName: string): void {
    this.#assumed.set(claim.uid, { resourceVersion: claim.resourceVersion, nodeName })
    this.#move(claim.uid, claim)
  }

  /** The node that a claim has, or is about to have. */
  nodeOf({ uid, resourceVersion, selectedNode }: ClaimView): string | undefined {
    const assumed = this.#assumed.get(uid)
    return assumed?.resourceVersion === resourceVersion ? assumed.nodeName : selectedNode
  }

  /** By UID. */
  on(nodeName: string): ReadonlyMap<string, ComingClaim> {
    this.#expire()
    return this.#byNode.get(nodeName) ?? NONE
  }

  /** Another number whenever what is `on` the node has changed. */
  versionOf(nodeName: string): number {
    this.#expire()
    return this.#versions.get(nodeName) ?? 0
  }

  /** Another number whenever something has changed on any node. */
  get version(): number {
    this.#expire()
    return this.#version
  }

  /** On all nodes. */
  get count(): number {
    this.#expire()
    return this.#nodeByUid.size
  }

  /** What they ask for, on all nodes. */
  get bytes(): number {
    this.#expire()
    const claims = [...this.#byNode.values()].flatMap((there) => [...there.values()])
    return Number(requestedBytes(claims))
  }

  #move(uid: string, claim: ClaimView | undefined): void {
    const from = this.#nodeByUid.get(uid)
    const to = claim === undefined ? undefined : this.nodeOf(claim)
    if (from !== undefined) {
      this.#byNode.get(from)?.delete(uid)
      if (this.#byNode.get(from)?.size === 0) this.#byNode.delete(from)
      this.#changed(from)
    }
    if (to === undefined || claim === undefined) {
      this.#nodeByUid.delete(uid)
      return
    }
    const { storageClassName, requestBytes } = claim
    const there = this.#byNode.get(to) ?? new Map<string, ComingClaim>()
    there.set(uid, { uid, storageClassName, requestBytes })
    this.#byNode.set(to, there)
    this.#nodeByUid.set(uid, to)
    this.#changed(to)
  }

  #expire(): void {
    if (this.#left.size === 0) return
    const now = this.#now()
    for (const [uid, untilMs] of this.#left) {
      // in the order in which they left, and this is asked for thousands of nodes at a time
      if (untilMs > now) return
      this.#left.delete(uid)
      this.#move(uid, undefined)
    }
  }

  #changed(nodeName: string): void {
    this.#version += 1
    this.#versions.set(nodeName, (this.#versions.get(nodeName) ?? 0) + 1)
  }
}
