import type { ClaimView } from './claim-view.ts'
import type { EventRequest } from './types.ts'

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
