import {
  CSI_STORAGE_CAPACITIES,
  EVENTS,
  LEASES,
  NODE_LOCAL_STORAGES,
  PERSISTENT_VOLUMES,
  PERSISTENT_VOLUME_CLAIMS,
} from '../../../kube/resources.ts'
import type { KubeObject } from '../../../kube/types.ts'
import {
  apply,
  claimOf,
  counted,
  create,
  expandingClaimOf,
  json,
  merge,
  named,
  NEW_UID,
  noSelection,
  remove,
  volumeOf,
} from './dry-runs.ts'
import type { RawRequest } from './installed.ts'
import { event, lease, nodeLocalStorage, persistentVolume, storageCapacity } from './objects.ts'

const noFinalizer = { metadata: { finalizers: ['kubernetes.io/pv-protection'] } }
const noValue = { path: '/metadata/annotations/volume.kubernetes.io~1selected-node', op: 'remove' }

const underWay = {
  status: {
    allocatedResources: { storage: '8Mi' },
    allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' },
  },
}
type Write = (node: string) => RawRequest
/** What an agent does, by the resource and the verb that RBAC sees and the policy that decides. */
export const WRITES: readonly (readonly [
  resource: string,
  verb: string,
  policy: string,
  how: string,
  Write,
])[] = [
  [
    'persistentvolumes',
    'create',
    'persistent-volumes',
    'of a claim',
    (node) => create(PERSISTENT_VOLUMES, persistentVolume(node, NEW_UID)),
  ],
  [
    'persistentvolumes',
    'patch',
    'persistent-volumes',
    'that drops its finalizer',
    (node) => merge(PERSISTENT_VOLUMES, volumeOf(node), noFinalizer),
  ],
  [
    'persistentvolumes',
    'patch',
    'persistent-volumes',
    'by server-side apply',
    (node) =>
      apply(
        PERSISTENT_VOLUMES,
        volumeOf(node),
        named(volumeOf(node), {
          metadata: { name: volumeOf(node).metadata.name, annotations: { note: 'x' } },
        }),
      ),
  ],
  [
    'persistentvolumes',
    'delete',
    'persistent-volumes',
    '',
    (node) => remove(PERSISTENT_VOLUMES, volumeOf(node)),
  ],
  [
    'persistentvolumeclaims',
    'patch',
    'persistent-volume-claims',
    'that takes back a selection',
    (node) => merge(PERSISTENT_VOLUME_CLAIMS, claimOf(node), noSelection),
  ],
  [
    'persistentvolumeclaims',
    'patch',
    'persistent-volume-claims',
    'that does so as a JSON patch',
    (node) => json(PERSISTENT_VOLUME_CLAIMS, claimOf(node), [noValue]),
  ],
  [
    'persistentvolumeclaims/status',
    'patch',
    'persistent-volume-claims-status',
    'of an expansion',
    (node) => merge(PERSISTENT_VOLUME_CLAIMS, expandingClaimOf(node), underWay, 'status'),
  ],
  [
    'csistoragecapacities',
    'create',
    'storage-capacities',
    '',
    (node) => create(CSI_STORAGE_CAPACITIES, storageCapacity(node, 'new')),
  ],
  [
    'csistoragecapacities',
    'create',
    'storage-capacities',
    'by server-side apply',
    (node) => apply(CSI_STORAGE_CAPACITIES, storageCapacity(node, 'new'), storageCapacity(node, 'new')),
  ],
  [
    'csistoragecapacities',
    'patch',
    'storage-capacities',
    'by server-side apply',
    (node) =>
      apply(CSI_STORAGE_CAPACITIES, storageCapacity(node), {
        ...storageCapacity(node),
        capacity: '1Gi',
      } as KubeObject),
  ],
  [
    'csistoragecapacities',
    'patch',
    'storage-capacities',
    'as a merge patch',
    (node) => merge(CSI_STORAGE_CAPACITIES, storageCapacity(node), { capacity: '1Ti' }),
  ],
  [
    'csistoragecapacities',
    'delete',
    'storage-capacities',
    '',
    (node) => remove(CSI_STORAGE_CAPACITIES, storageCapacity(node)),
  ],
  [
    'nodelocalstorages',
    'create',
    'node-local-storages',
    '',
    (node) => create(NODE_LOCAL_STORAGES, nodeLocalStorage(node, 'new')),
  ],
  [
    'nodelocalstorages',
    'create',
    'node-local-storages',
    'by server-side apply',
    (node) => apply(NODE_LOCAL_STORAGES, nodeLocalStorage(node, 'new'), nodeLocalStorage(node, 'new')),
  ],
  [
    'nodelocalstorages',
    'patch',
    'node-local-storages',
    'of its layout',
    (node) => merge(NODE_LOCAL_STORAGES, nodeLocalStorage(node), { spec: { layout: 'thin' } }),
  ],
  [
    'nodelocalstorages/status',
    'patch',
    'node-local-storages',
    'by server-side apply',
    (node) =>
      apply(
        NODE_LOCAL_STORAGES,
        nodeLocalStorage(node),
        named(nodeLocalStorage(node), { status: { observedGeneration: 9 } }),
        'status',
      ),
  ],
  [
    'nodelocalstorages/status',
    'patch',
    'node-local-storages',
    'as a merge patch',
    (node) =>
      merge(NODE_LOCAL_STORAGES, nodeLocalStorage(node), { status: { observedGeneration: 9 } }, 'status'),
  ],
  ['events', 'create', 'events', '', (node) => create(EVENTS, event(node, 'new'))],
  [
    'events',
    'patch',
    'events',
    'of its series',
    (node) => merge(EVENTS, event(node, `event-of-${node}`), counted),
  ],
  ['leases', 'create', 'leases', 'by server-side apply', (node) => apply(LEASES, lease(node), lease(node))],
  [
    'leases',
    'patch',
    'leases',
    'of its holder',
    (node) => merge(LEASES, lease(node), { spec: { holderIdentity: 'me' } }),
  ],
]
