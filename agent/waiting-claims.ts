import type { ClaimView } from '../kube/claim-view.ts'
import type { CreateVolumeRequest } from '../lvm/types.ts'
import { decideClaim } from './claim-decision.ts'
import type { ClassOnNode } from './class-on-node.ts'
import type { Identity } from './ports.ts'

/**
 * The volumes that will be made for claims that have been given to this node, as far as they can be served here. Their room
 * is taken already for whoever is told what is left: then a burst of claims is told once, and not volume by volume. Claims
 * whose class has allowedTopologies count only while their volumes are made: the Node's labels are not at hand here.
 */
export const requestsOfWaiting = (
  identity: Identity,
  claims: Iterable<ClaimView>,
  stateOf: (storageClassName: string) => ClassOnNode | undefined,
): CreateVolumeRequest[] =>
  [...claims].flatMap((claim) => {
    const state = stateOf(claim.storageClassName)
    if (state === undefined) return []
    const decision = decideClaim({
      ...{ claim, nodeName: identity.nodeName, clusterId: identity.clusterId, nodeLabels: {} },
      ...{ storageClass: state.storageClass, group: state.group, groupProblem: state.problem },
    })
    return decision.kind === 'create' ? [decision.request] : []
  })
