import type { Logger } from '../core/logger.ts'
import { agentLeaseName } from '../core/naming.ts'
import { NotFound } from '../kube/errors.ts'
import { HeldLease } from '../kube/lease.ts'
import { NODES } from '../kube/resources.ts'
import type { KubeClient, KubeObject, OwnerReference } from '../kube/types.ts'
import type { Identity } from './ports.ts'

interface NodeLeaseOptions {
  readonly client: KubeClient
  readonly identity: Identity
  /** Name and UID of the pod. */
  readonly holder: string
  readonly log: Logger
}

/** The sign of life of a node's agent, and its right to act: one Lease a node, which goes with the Node object. */
export const nodeLease = ({ client, identity, holder, log }: NodeLeaseOptions): HeldLease => {
  const { nodeName, namespace } = identity
  const owners = async (): Promise<OwnerReference[]> => {
    const node = await client.get<KubeObject>(NODES, { name: nodeName })
    const uid = node?.metadata.uid
    if (uid === undefined) throw new NotFound(`Node "${nodeName}"`, 'does not exist (any more)')
    return [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }]
  }
  return new HeldLease({ client, name: { namespace, name: agentLeaseName(nodeName) }, owners, holder, log })
}
