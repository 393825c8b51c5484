import { nodeOfAgentLease } from '../core/naming.ts'
import type { Lease } from '../kube/lease.ts'

/** What is kept of the Lease of a node's agent. */
export interface AgentLease {
  readonly nodeName: string
  readonly resourceVersion: string
}

/** Projection: all other Leases are dropped. */
export const viewAgentLease = ({ metadata }: Lease): AgentLease | undefined => {
  const nodeName = nodeOfAgentLease(metadata.name ?? '')
  return nodeName === undefined ? undefined : { nodeName, resourceVersion: metadata.resourceVersion ?? '' }
}
