import { nodeLocalStorageName, TOPOLOGY_KEY } from '../../../core/naming.ts'
import {
  CSI_STORAGE_CAPACITIES,
  EVENTS,
  LEASES,
  NODE_LOCAL_STORAGES,
  PERSISTENT_VOLUME_CLAIMS,
} from '../../../kube/resources.ts'
import {
  apply,
  claimOf,
  counted,
  create,
  expandingClaimOf,
  isIn,
  merge,
  named,
  noSelection,
  owner,
  withMetadata,
} from './dry-runs.ts'
import { OURS, THEIRS, type RawRequest } from './installed.ts'
import { event, lease, NAMESPACE, nodeLocalStorage, SELECTED_NODE, storageCapacity } from './objects.ts'
import { REFUSED_VOLUMES } from './volume-refusals.ts'

const patchClaim = (body: unknown) => merge(PERSISTENT_VOLUME_CLAIMS, claimOf(OURS), body)
const patchStatus = (body: unknown) => merge(PERSISTENT_VOLUME_CLAIMS, expandingClaimOf(OURS), body, 'status')
const annotate = (annotations: object) => ({ metadata: { annotations } })
const createCapacity = (more: object) =>
  create(CSI_STORAGE_CAPACITIES, { ...storageCapacity(OURS, 'new'), ...more })
const createReport = (more: object) =>
  create(NODE_LOCAL_STORAGES, withMetadata(nodeLocalStorage(OURS, 'new'), more))
const createEvent = (more: object) => create(EVENTS, { ...event(OURS, 'new'), ...more })

/** Ways round the policies that each has to be refused, with a token that is bound to OURS. */
export const REFUSED: readonly (readonly [policy: string, what: string, reason: string, RawRequest])[] = [
  ...REFUSED_VOLUMES,
  [
    'persistent-volume-claims-status',
    'another phase',
    'neither its phase nor',
    patchStatus({ status: { phase: 'Lost' } }),
  ],
  [
    'persistent-volume-claims-status',
    'less capacity',
    'only grows',
    patchStatus({ status: { capacity: { storage: '1Mi' } } }),
  ],
  [
    'persistent-volume-claims-status',
    'an annotation by way of the status',
    'changes no annotation here',
    patchStatus(annotate({ note: null })),
  ],
  [
    'persistent-volume-claims',
    'the selection given to another node',
    'adds and changes no annotation',
    patchClaim(annotate({ [SELECTED_NODE]: THEIRS })),
  ],
  [
    'persistent-volume-claims',
    'an empty selection',
    'adds and changes no annotation',
    patchClaim(annotate({ [SELECTED_NODE]: '' })),
  ],
  [
    'persistent-volume-claims',
    'another annotation removed',
    'removes no annotation',
    patchClaim(annotate({ note: null })),
  ],
  [
    'persistent-volume-claims',
    'an annotation added',
    'adds and changes no annotation',
    patchClaim(annotate({ more: 'x' })),
  ],
  [
    'persistent-volume-claims',
    'an annotation added by server-side apply',
    'adds and changes no annotation',
    apply(
      PERSISTENT_VOLUME_CLAIMS,
      claimOf(OURS),
      withMetadata(named(claimOf(OURS)), { annotations: { more: 'x' } }),
    ),
  ],
  [
    'persistent-volume-claims',
    'a label',
    'changes nothing in a claim but',
    patchClaim({ metadata: { labels: { more: 'x' } } }),
  ],
  [
    'persistent-volume-claims',
    'a finalizer dropped',
    'changes nothing in a claim but',
    patchClaim({ metadata: { finalizers: null } }),
  ],
  [
    'persistent-volume-claims',
    'a finalizer added',
    'changes nothing in a claim but',
    patchClaim({ metadata: { finalizers: ['a/b'] } }),
  ],
  [
    'persistent-volume-claims',
    'an owner',
    'changes nothing in a claim but',
    patchClaim({ metadata: { ownerReferences: [owner] } }),
  ],
  [
    'persistent-volume-claims',
    'a volume',
    'changes nothing in a claim but',
    patchClaim({ spec: { volumeName: 'other' } }),
  ],
  [
    'persistent-volume-claims',
    "the selection of another driver's claim",
    'does not wait for a volume',
    merge(PERSISTENT_VOLUME_CLAIMS, claimOf(OURS, 'of-another-driver'), noSelection),
  ],
  [
    'persistent-volume-claims',
    'the selection of a claim that has its volume',
    'does not wait for a volume',
    merge(PERSISTENT_VOLUME_CLAIMS, claimOf(OURS, 'bound'), noSelection),
  ],
  [
    'persistent-volume-claims',
    'the first selection of a claim',
    `the node ${OURS} is selected`,
    merge(PERSISTENT_VOLUME_CLAIMS, claimOf(OURS, 'of-no-node'), annotate({ [SELECTED_NODE]: OURS })),
  ],

  ['storage-capacities', 'no topology', 'and of no other', createCapacity({ nodeTopology: undefined })],
  ['storage-capacities', 'every node', 'and of no other', createCapacity({ nodeTopology: {} })],
  [
    'storage-capacities',
    'an expression',
    'and of no other',
    createCapacity({ nodeTopology: { matchExpressions: [isIn(OURS, THEIRS)] } }),
  ],
  [
    'storage-capacities',
    'a label too many',
    'and of no other',
    createCapacity({ nodeTopology: { matchLabels: { [TOPOLOGY_KEY]: OURS, zone: 'a' } } }),
  ],
  [
    'storage-capacities',
    "the name of another node's",
    'the name has to be',
    createCapacity({ metadata: storageCapacity(THEIRS, 'new').metadata }),
  ],
  [
    'storage-capacities',
    "another class's name",
    'the name has to be',
    createCapacity({ storageClassName: 'other' }),
  ],
  [
    'storage-capacities',
    'a generated name',
    'the name has to be',
    createCapacity({ metadata: { namespace: NAMESPACE, generateName: `new.${OURS}-` } }),
  ],
  [
    'storage-capacities',
    'a finalizer',
    'there can be no finalizer',
    merge(CSI_STORAGE_CAPACITIES, storageCapacity(OURS), { metadata: { finalizers: ['a/b'] } }),
  ],
  [
    'storage-capacities',
    'an owner that it holds',
    'no owner but the node',
    merge(CSI_STORAGE_CAPACITIES, storageCapacity(OURS), {
      metadata: { ownerReferences: [{ ...owner, blockOwnerDeletion: true }] },
    }),
  ],
  [
    'storage-capacities',
    'another owner',
    'no owner but the node',
    merge(CSI_STORAGE_CAPACITIES, storageCapacity(OURS), {
      metadata: { ownerReferences: [{ ...owner, name: THEIRS }] },
    }),
  ],

  [
    'node-local-storages',
    "the name of another node's",
    'the name has to be',
    createReport({ name: nodeLocalStorageName('new', THEIRS) }),
  ],
  [
    'node-local-storages',
    'the name of a node whose name begins like this one',
    'the name has to be',
    createReport({ name: nodeLocalStorageName('new', `${OURS}-2`) }),
  ],
  [
    'node-local-storages',
    'a generated name',
    'the name has to be',
    createReport({ name: undefined, generateName: `new.${OURS}-` }),
  ],
  ['node-local-storages', 'any long name', 'the name has to be', createReport({ name: 'x'.repeat(250) })],
  ['node-local-storages', 'a finalizer', 'no finalizer and no owner', createReport({ finalizers: ['a/b'] })],
  [
    'node-local-storages',
    'an owner, later',
    'no finalizer and no owner',
    merge(NODE_LOCAL_STORAGES, nodeLocalStorage(OURS), { metadata: { ownerReferences: [owner] } }),
  ],

  [
    'events',
    "kubelet's name",
    'reported by loam.storage/agent',
    createEvent({ reportingController: 'kubelet' }),
  ],
  [
    'events',
    "an event of this node's kubelet",
    'reported by loam.storage/agent',
    merge(EVENTS, event(OURS, 'event-of-kubelet'), counted),
  ],
  [
    'events',
    'another namespace than its object',
    'in the namespace of the object',
    createEvent({ metadata: { name: 'new', namespace: 'kube-system' } }),
  ],
  [
    'events',
    'a finalizer',
    'no finalizer and no owner',
    createEvent({ metadata: { ...event(OURS, 'new').metadata, finalizers: ['a/b'] } }),
  ],
  [
    'events',
    'an owner, later',
    'no finalizer and no owner',
    merge(EVENTS, event(OURS, `event-of-${OURS}`), { metadata: { ownerReferences: [owner] } }),
  ],

  [
    'leases',
    'another name',
    `loam-agent-${OURS}`,
    create(LEASES, withMetadata(lease(OURS), { name: 'kube-scheduler' })),
  ],
  [
    'leases',
    'a generated name',
    `loam-agent-${OURS}`,
    create(LEASES, withMetadata(lease(OURS), { name: undefined, generateName: `loam-agent-${OURS}` })),
  ],
  [
    'leases',
    'a finalizer',
    'there can be no finalizer',
    merge(LEASES, lease(OURS), { metadata: { finalizers: ['a/b'] } }),
  ],
  [
    'leases',
    'another owner',
    'no owner but the node',
    merge(LEASES, lease(OURS), { metadata: { ownerReferences: [{ ...owner, kind: 'Pod' }] } }),
  ],
]
