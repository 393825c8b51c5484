import type { Logger } from '../core/logger.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import {
  isFilledByOthers,
  viewClaim,
  type ClaimView,
  type PersistentVolumeClaim,
} from '../kube/claim-view.ts'
import { viewClass, type ClassView } from '../kube/class-view.ts'
import { startReflector, type Reflector } from '../kube/reflector.ts'
import {
  LEASES,
  NODE_LOCAL_STORAGES,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  STORAGE_CLASSES,
} from '../kube/resources.ts'
import type { Transport } from '../kube/transport.ts'
import { viewAgentLease, type AgentLease } from './agent-lease.ts'
import { viewNode, type NodeView } from './node-view.ts'
import { viewVolume, type VolumeView } from './volume-view.ts'

/** What the scheduler process keeps of the cluster. */
export interface Stores {
  /** Claims that have no volume yet: which are ours, their classes tell. */
  readonly claims: Reflector<ClaimView>
  readonly classes: Reflector<ClassView>
  readonly nodes: Reflector<NodeView>
  readonly reports: Reflector<NodeLocalStorage>
  /** PersistentVolumes of ours that no agent takes care of yet, and those that no claim has yet. */
  readonly volumes: Reflector<VolumeView>
  /** Signs of life of the agents. */
  readonly agentLeases: Reflector<AgentLease>
}

/**
 * Bound claims are dropped, and those of volume populators: memory grows with what waits. Before a claim has its node,
 * nothing in it says who will be asked.
 */
const claimsThatWait = (claim: PersistentVolumeClaim): ClaimView | undefined => {
  const view = viewClaim(claim)
  return view.hasVolume || isFilledByOthers(view) ? undefined : view
}

/** Of a report, what a placement reads: the disks of 5,000 nodes are of no use here. */
const withoutDisks = ({ metadata, spec, status }: NodeLocalStorage): NodeLocalStorage => {
  const { volumeGroup, conditions, room } = status ?? {}
  const { name, uid, resourceVersion } = metadata
  return {
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
    spec: { ...spec, disks: [] },
    status: {
      ...(volumeGroup === undefined ? {} : { volumeGroup }),
      ...(conditions === undefined ? {} : { conditions }),
      ...(room === undefined ? {} : { room }),
    },
  }
}

/** Starts the watches. `namespace` is that of the agents. */
export const startStores = (
  transport: Transport,
  namespace: string,
  log: Logger,
  signal: AbortSignal,
): Stores => {
  const common = { transport, log, signal }
  return {
    claims: startReflector({ ...common, type: PERSISTENT_VOLUME_CLAIMS, project: claimsThatWait }),
    classes: startReflector({ ...common, type: STORAGE_CLASSES, project: viewClass }),
    nodes: startReflector({ ...common, type: NODES, project: viewNode }),
    reports: startReflector({ ...common, type: NODE_LOCAL_STORAGES, project: withoutDisks }),
    volumes: startReflector({ ...common, type: PERSISTENT_VOLUMES, project: viewVolume }),
    agentLeases: startReflector({ ...common, type: LEASES, options: { namespace }, project: viewAgentLease }),
  }
}
