import { DRIVER_NAME, nodeLocalStorageName, NODE_LABEL, TOPOLOGY_KEY } from '../core/naming.ts'
import { formatQuantity } from '../core/quantity.ts'
import type { KubeObject } from '../kube/types.ts'
import type { Capacity } from './class-on-node.ts'
import type { Identity } from './ports.ts'

/** storage.k8s.io/v1 CSIStorageCapacity: what kube-scheduler's VolumeBinding plugin reads (KEP-1472). */
export interface CsiStorageCapacity extends KubeObject {
  readonly storageClassName: string
  readonly nodeTopology: { readonly matchLabels: Readonly<Record<string, string>> }
  readonly capacity: string
  readonly maximumVolumeSize: string
}

interface Parts {
  readonly identity: Identity
  /** UID of the Node object: when the Node goes, the garbage collector withdraws its capacity. */
  readonly nodeUid: string
  readonly storageClassName: string
  readonly capacity: Capacity
}

/** The object for a class on this node. Its name is fixed, so writing it again never makes a second one. */
export const storageCapacityFor = ({
  identity,
  nodeUid,
  storageClassName,
  capacity,
}: Parts): CsiStorageCapacity => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSIStorageCapacity',
  metadata: {
    name: nodeLocalStorageName(storageClassName, identity.nodeName),
    namespace: identity.namespace,
    labels: { 'csi.storage.k8s.io/drivername': DRIVER_NAME, [NODE_LABEL]: identity.nodeName },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: identity.nodeName, uid: nodeUid }],
  },
  storageClassName,
  nodeTopology: { matchLabels: { [TOPOLOGY_KEY]: identity.nodeName } },
  capacity: formatQuantity(capacity.usableBytes),
  maximumVolumeSize: formatQuantity(capacity.largestVolumeBytes),
})
