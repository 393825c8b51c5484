import { atStep } from '../core/failpoints.ts'
import type { Logger } from '../core/logger.ts'
import { volumeNameForClaim } from '../core/naming.ts'
import { claimEvent } from '../kube/claim-event.ts'
import { describeClaim, SELECTED_NODE, type ClaimView } from '../kube/claim-view.ts'
import { Conflict, NotFound } from '../kube/errors.ts'
import type { LeaseGate } from '../kube/lease.ts'
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '../kube/resources.ts'
import type { EventRecorder, KubeClient, KubeObject, ObjectKey, ObjectStore } from '../kube/types.ts'
import type { ReconcileResult } from '../kube/work-queue.ts'
import type { Absence, Absences } from './absences.ts'
import { STANDBY_MS } from './standby.ts'

interface Tools {
  readonly client: KubeClient
  readonly events: EventRecorder
  readonly log: Logger
  readonly lease: LeaseGate
  readonly stores: { readonly claims: ObjectStore<ClaimView> }
  readonly absences: Pick<Absences, 'of' | 'lookAgainMs'>
}

/**
 * Takes the selected node off claims that wait for a node where nobody acts, so that their pods are scheduled again. A
 * claim for which there is a PersistentVolume keeps its node: the volume is there, and nowhere else.
 *
 * An agent that was only slow does no harm when it comes back: the name of the PersistentVolume is the claim's own, so
 * of two nodes one gets to make it, and the other takes its logical volume back.
 */
export class StrandedClaims {
  readonly #tools: Tools

  constructor(tools: Tools) {
    this.#tools = tools
  }

  /** @throws whatever should be tried again with backoff. */
  async reconcile(key: ObjectKey): Promise<ReconcileResult | undefined> {
    const { stores, lease, absences, client } = this.#tools
    const claim = stores.claims.get(key)
    const nodeName = claim?.selectedNode
    if (claim === undefined || nodeName === undefined || !claim.isAskedOfUs) return undefined
    if (!lease.isHeld()) return { requeueAfterMs: STANDBY_MS }
    const absence = await absences.of(nodeName)
    const volume = { name: volumeNameForClaim(claim.uid) }
    if (absence === undefined || (await client.get<KubeObject>(PERSISTENT_VOLUMES, volume)) !== undefined)
      return { requeueAfterMs: absences.lookAgainMs(nodeName) }
    await this.#release(claim, absence)
    return undefined
  }

  async #release(claim: ClaimView, { reason, what }: Absence): Promise<void> {
    const { client, events, log } = this.#tools
    const { uid, resourceVersion } = claim
    const patch = { metadata: { uid, resourceVersion, annotations: { [SELECTED_NODE]: null } } }
    try {
      await atStep('clear-selected-node', () =>
        client.patch(PERSISTENT_VOLUME_CLAIMS, claim, patch, { type: 'merge' }),
      )
    } catch (error) {
      // it has changed or gone: the watch shows how in a moment
      if (error instanceof Conflict || error instanceof NotFound) return
      throw error
    }
    log.warn('claim taken off its node', { claim: describeClaim(claim), detail: what })
    const message = `${what}, and has made no volume: the claim may be given to another node now`
    events.record(claimEvent(claim, { type: 'Warning', reason, action: 'ReleaseClaim', message }))
  }
}
