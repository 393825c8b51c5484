import { atStep } from '../core/failpoints.ts'
import { volumeNameForClaim } from '../core/naming.ts'
import { PERSISTENT_VOLUME_CLAIMS } from '../kube/resources.ts'
import type { EventRequest, KubeClient } from '../kube/types.ts'
import {
  describeClaim,
  SELECTED_NODE,
  viewClaim,
  type ClaimView,
  type PersistentVolumeClaim,
} from './claim-view.ts'

/** An event about a claim. */
export const claimEvent = (
  claim: ClaimView,
  event: Pick<EventRequest, 'type' | 'reason' | 'action' | 'message'>,
): EventRequest => ({
  ...event,
  regarding: {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    namespace: claim.namespace,
    name: claim.name,
    uid: claim.uid,
  },
})

/** The claim as a quorum of the control plane has it now; undefined when it is gone or another one took its name. */
export const readClaim = async (client: KubeClient, claim: ClaimView): Promise<ClaimView | undefined> => {
  const object = await client.get<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, claim)
  const now = object === undefined ? undefined : viewClaim(object)
  return now?.uid === claim.uid ? now : undefined
}

/** Whether a claim that was read again still wants its volume from this node. */
export const stillWants = (claim: ClaimView | undefined, nodeName: string): claim is ClaimView =>
  claim?.selectedNode === nodeName && !claim.hasVolume

/**
 * Removes the selected node's key from the claim, under the version that was decided upon; an empty value would
 * still count as selected (scheduler, volumebinding/binder.go).
 * @throws Conflict when somebody changed the claim: another node may have been chosen, so decide again.
 */
export const clearSelectedNode = async (client: KubeClient, claim: ClaimView): Promise<void> => {
  const { uid, resourceVersion } = claim
  const patch = { metadata: { uid, resourceVersion, annotations: { [SELECTED_NODE]: null } } }
  await atStep('clear-selected-node', () =>
    client.patch(PERSISTENT_VOLUME_CLAIMS, claim, patch, { type: 'merge' }),
  )
}

/** Fields of a log line about a claim. */
export const claimFields = (claim: ClaimView): { claim: string; volume: string } => ({
  claim: describeClaim(claim),
  volume: volumeNameForClaim(claim.uid),
})
