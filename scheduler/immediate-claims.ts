import { atStep } from '../core/failpoints.ts'
import type { Logger } from '../core/logger.ts'
import { claimEvent } from '../kube/claim-event.ts'
import { describeClaim, SELECTED_NODE, type ClaimView } from '../kube/claim-view.ts'
import type { ClassView } from '../kube/class-view.ts'
import { Conflict, NotFound } from '../kube/errors.ts'
import type { LeaseGate } from '../kube/lease.ts'
import { PERSISTENT_VOLUME_CLAIMS } from '../kube/resources.ts'
import type { EventRecorder, KubeClient, ObjectKey } from '../kube/types.ts'
import type { ReconcileResult } from '../kube/work-queue.ts'
import type { ClaimsInFlight } from './claims-in-flight.ts'
import type { GroupRooms } from './group-rooms.ts'
import type { GroupsOnNodes } from './groups-on-nodes.ts'
import { placeClaim } from './placement.ts'
import { Refusals } from './refusals.ts'
import { STANDBY_MS } from './standby.ts'
import type { Stores } from './stores.ts'

interface Tools {
  readonly client: KubeClient
  readonly events: EventRecorder
  readonly log: Logger
  readonly lease: LeaseGate
  readonly stores: Pick<Stores, 'claims' | 'classes' | 'nodes'>
  readonly inFlight: ClaimsInFlight
  readonly groups: GroupsOnNodes
  readonly rooms: GroupRooms
}

/** A claim that fits nowhere is looked at again after each change of a report, and in any case after so long. */
const SLOW_RETRY_MS = 5 * 60_000
/** A claim that somebody has just changed: the watch shows how in a moment. */
const CHANGED_MS = 1000

/**
 * Writes the selected node of each claim whose class binds at once (`volumeBindingMode: Immediate`), which
 * kube-scheduler never does: it waits until such claims are bound. From then on the claim goes the way of all others,
 * its node's agent serving it or giving it back.
 *
 * Two writers at once, as when a Lease changes hands, do no harm: each write names the version that was decided upon.
 */
export class ImmediateClaims {
  readonly #tools: Tools
  readonly #refusals = new Refusals()

  constructor(tools: Tools) {
    this.#tools = tools
  }

  /** What the watch has shown of a claim. */
  heed(now: ClaimView | undefined, before: ClaimView | undefined): void {
    const uid = (now ?? before)?.uid ?? ''
    if (now === undefined) {
      this.#refusals.forget(uid)
      return
    }
    if (before?.selectedNode !== undefined && now.selectedNode === undefined)
      this.#refusals.add(uid, before.selectedNode)
  }

  /** @throws whatever should be tried again with backoff. */
  async reconcile(key: ObjectKey): Promise<ReconcileResult | undefined> {
    const { stores, lease, log, events, groups, rooms } = this.#tools
    const claim = stores.claims.get(key)
    const storageClass = claim && this.#classFor(claim)
    if (claim === undefined || storageClass === undefined) return undefined
    if (!lease.isHeld()) return { requeueAfterMs: STANDBY_MS }
    const waitMs = this.#refusals.waitMs(claim.uid)
    if (waitMs > 0) return { requeueAfterMs: waitMs }

    const placement = placeClaim({
      ...{ claim, storageClass, refusedBy: this.#refusals.nodesOf(claim.uid) },
      reports: groups.ofClass(storageClass.name).values(),
      node: (name) => stores.nodes.get(name),
      roomIn: (group) => rooms.of(group),
    })
    if (placement.kind === 'place') return await this.#select(claim, placement.nodeName)
    log.info('claim fits nowhere', { claim: describeClaim(claim), detail: placement.message })
    const told = { type: 'Warning', reason: 'NoNodeFits', action: 'SelectNode' } as const
    events.record(claimEvent(claim, { ...told, message: placement.message }))
    return { requeueAfterMs: SLOW_RETRY_MS }
  }

  /** Claims that may be waiting for a node. */
  waiting(): ObjectKey[] {
    return [...this.#tools.stores.claims.entries()]
      .filter(([, claim]) => this.#classFor(claim) !== undefined)
      .map(([key]) => key)
  }

  /** The claim's class, when it is for us to give the claim a node. */
  #classFor(claim: ClaimView): ClassView | undefined {
    if (!claim.isAskedOfUs || claim.isBeingDeleted) return undefined
    if (this.#tools.inFlight.nodeOf(claim) !== undefined) return undefined
    const storageClass = this.#tools.stores.classes.get(claim.storageClassName)
    return storageClass?.bindingMode === 'Immediate' ? storageClass : undefined
  }

  async #select(claim: ClaimView, nodeName: string): Promise<ReconcileResult | undefined> {
    const { client, log, inFlight } = this.#tools
    const { uid, resourceVersion } = claim
    const patch = { metadata: { uid, resourceVersion, annotations: { [SELECTED_NODE]: nodeName } } }
    try {
      await atStep('select-node', () =>
        client.patch(PERSISTENT_VOLUME_CLAIMS, claim, patch, { type: 'merge' }),
      )
    } catch (error) {
      if (error instanceof NotFound) return undefined
      if (error instanceof Conflict) return { requeueAfterMs: CHANGED_MS }
      throw error
    }
    inFlight.assume(claim, nodeName)
    log.info('node selected', { claim: describeClaim(claim), node: nodeName })
    return undefined
  }
}
