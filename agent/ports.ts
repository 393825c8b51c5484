import type { Logger } from '../core/logger.ts'
import type { EventRecorder, KubeClient } from '../kube/types.ts'
import type { NodeVolumes } from '../lvm/types.ts'

/** What every controller of the agent works with; main.ts makes them. */
export interface Ports {
  readonly client: KubeClient
  readonly volumes: NodeVolumes
  readonly events: EventRecorder
  readonly log: Logger
}

/** Who this agent is. */
export interface Identity {
  readonly nodeName: string
  /** UID of the kube-system namespace: the cluster's name for life. */
  readonly clusterId: string
  /** Where CSIStorageCapacity objects live. */
  readonly namespace: string
}

/** Owner of the fields that the agent writes by server-side apply. */
export const FIELD_MANAGER = 'loam-agent'
