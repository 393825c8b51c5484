import { viewClaim, type ClaimView, type PersistentVolumeClaim } from '../kube/claim-view.ts'

/**
 * Projection for the agent's store: claims that still want a volume, of any node, because one pod's may name several while
 * kube-scheduler writes them; and bound ones that ask for more: whose volume it is only the PersistentVolume says. Few are
 * either at a time. All others are dropped, so that memory does not grow with the volumes of the cluster.
 */
export const claimThatConcerns = (claim: PersistentVolumeClaim): ClaimView | undefined => {
  const view = viewClaim(claim)
  return !view.hasVolume || view.wantsMore ? view : undefined
}
