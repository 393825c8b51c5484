import { atStep } from '../core/failpoints.ts'
import { volumeNameForClaim } from '../core/naming.ts'
import { claimEvent } from '../kube/claim-event.ts'
import { Conflict } from '../kube/errors.ts'
import { PERSISTENT_VOLUMES, PERSISTENT_VOLUME_CLAIMS } from '../kube/resources.ts'
import type { KubeClient } from '../kube/types.ts'
import type { LogicalVolume } from '../lvm/types.ts'
import type { ClaimTools } from './claim-tools.ts'
import {
  describeClaim,
  SELECTED_NODE,
  viewClaim,
  type ClaimView,
  type PersistentVolumeClaim,
} from '../kube/claim-view.ts'
import { viewPersistentVolume, type PersistentVolume } from './persistent-volume.ts'

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

/** Tells the owner of a claim, and the log, what goes wrong with it. */
export const warnOfClaim = (
  { ports: { log, events } }: Pick<ClaimTools, 'ports'>,
  claim: ClaimView,
  { reason, message }: { readonly reason: string; readonly message: string },
  action: string,
): void => {
  log.warn('claim not served', { ...claimFields(claim), reason, detail: message })
  events.record(claimEvent(claim, { type: 'Warning', reason, action, message }))
}

/**
 * Whether the PersistentVolume of its name is the one for this logical volume: the name is the arbiter.
 * @throws Conflict when it is not there any more.
 */
export const isAnswerOf = async (client: KubeClient, volume: LogicalVolume): Promise<boolean> => {
  const object = await client.get<PersistentVolume>(PERSISTENT_VOLUMES, { name: volume.name })
  if (object === undefined)
    throw new Conflict(`PersistentVolume "${volume.name}"`, 'was there and is gone: decide again')
  const { handle } = viewPersistentVolume(object)
  return handle?.volumeUuid === volume.handle.volumeUuid && handle.groupUuid === volume.handle.groupUuid
}
