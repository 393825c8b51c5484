import { NODE_LABEL, VOLUME_FINALIZER } from '../../../core/naming.ts'
import { PERSISTENT_VOLUMES } from '../../../kube/resources.ts'
import {
  apply,
  create,
  isIn,
  merge,
  named,
  NEW_UID,
  owner,
  volumeOf,
  withMetadata,
  UIDS,
} from './dry-runs.ts'
import { OURS, THEIRS, type RawRequest } from './installed.ts'
import { persistentVolume } from './objects.ts'

export const withSpec = <T extends { readonly spec: object }>(object: T, more: object): T => ({
  ...object,
  spec: { ...object.spec, ...more },
})

export const newVolume = persistentVolume(OURS, NEW_UID)
const volumeWith = (spec: object): RawRequest => create(PERSISTENT_VOLUMES, withSpec(newVolume, spec))
const csiWith = (more: object): RawRequest => volumeWith({ csi: { ...newVolume.spec.csi, ...more } })
const affinity = (...nodeSelectorTerms: object[]) => ({ nodeAffinity: { required: { nodeSelectorTerms } } })
export const secret = { namespace: 'kube-system', name: 'secret' }
const patchVolume = (body: unknown) => merge(PERSISTENT_VOLUMES, volumeOf(OURS), body)

/** The same for PersistentVolumes. */
export const REFUSED_VOLUMES: readonly (readonly [
  policy: string,
  what: string,
  reason: string,
  RawRequest,
])[] = [
  [
    'persistent-volumes',
    'two nodes in one term',
    'and to no other',
    volumeWith(affinity({ matchExpressions: [isIn(OURS, THEIRS)] })),
  ],
  [
    'persistent-volumes',
    'another node in a second term',
    'and to no other',
    volumeWith(affinity({ matchExpressions: [isIn(OURS)] }, { matchExpressions: [isIn(THEIRS)] })),
  ],
  [
    'persistent-volumes',
    'every node but one',
    'and to no other',
    volumeWith(affinity({ matchExpressions: [{ ...isIn(THEIRS), operator: 'NotIn' }] })),
  ],
  [
    'persistent-volumes',
    'a node by field',
    'and to no other',
    volumeWith(affinity({ matchFields: [{ key: 'metadata.name', operator: 'In', values: [OURS] }] })),
  ],
  ['persistent-volumes', 'no node', 'and to no other', volumeWith({ nodeAffinity: undefined })],
  [
    'persistent-volumes',
    'the label of another node',
    'the label loam.storage/node',
    create(PERSISTENT_VOLUMES, withMetadata(newVolume, { labels: { [NODE_LABEL]: THEIRS } })),
  ],
  [
    'persistent-volumes',
    'no label',
    'the label loam.storage/node',
    create(PERSISTENT_VOLUMES, withMetadata(newVolume, { labels: {} })),
  ],
  [
    'persistent-volumes',
    'another driver',
    'of the driver loam.storage only',
    csiWith({ driver: 'hostpath.csi.k8s.io' }),
  ],
  [
    'persistent-volumes',
    'a directory of the host',
    'of the driver loam.storage only',
    volumeWith({ csi: undefined, hostPath: { path: '/' } }),
  ],
  [
    'persistent-volumes',
    "another claim's name",
    'named for the UID of the claim',
    volumeWith({ claimRef: { ...newVolume.spec.claimRef, uid: UIDS[THEIRS] } }),
  ],
  ['persistent-volumes', 'no claim', 'named for the UID of the claim', volumeWith({ claimRef: undefined })],
  [
    'persistent-volumes',
    'a generated name',
    'named for the UID of the claim',
    create(PERSISTENT_VOLUMES, withMetadata(newVolume, { name: undefined, generateName: 'pvc-' })),
  ],
  ...[
    'controllerPublishSecretRef',
    'controllerExpandSecretRef',
    'nodeStageSecretRef',
    'nodePublishSecretRef',
    'nodeExpandSecretRef',
  ].map(
    (field) =>
      [
        'persistent-volumes',
        `a Secret as ${field}`,
        'names no Secret',
        csiWith({ [field]: secret }),
      ] as const,
  ),
  [
    'persistent-volumes',
    'an owner',
    'no owner',
    create(
      PERSISTENT_VOLUMES,
      withMetadata(newVolume, { ownerReferences: [{ ...owner, blockOwnerDeletion: true }] }),
    ),
  ],
  [
    'persistent-volumes',
    'an owner, later',
    'no owner',
    patchVolume({ metadata: { ownerReferences: [owner] } }),
  ],
  [
    'persistent-volumes',
    'the label of another node, later',
    'the label loam.storage/node',
    patchVolume({ metadata: { labels: { [NODE_LABEL]: THEIRS } } }),
  ],
  [
    'persistent-volumes',
    "somebody else's finalizer dropped",
    'no finalizer but',
    patchVolume({ metadata: { finalizers: [VOLUME_FINALIZER] } }),
  ],
  [
    'persistent-volumes',
    "somebody else's finalizer added",
    'no finalizer but',
    patchVolume({ metadata: { finalizers: [VOLUME_FINALIZER, 'kubernetes.io/pv-protection', 'a/b'] } }),
  ],
  [
    'persistent-volumes',
    'less capacity',
    'only grows',
    patchVolume({ spec: { capacity: { storage: '1Mi' } } }),
  ],
  [
    'persistent-volumes',
    'another reclaim policy',
    'nothing in the spec',
    patchVolume({ spec: { persistentVolumeReclaimPolicy: 'Delete' } }),
  ],
  [
    'persistent-volumes',
    'another claim',
    'nothing in the spec',
    patchVolume({ spec: { claimRef: { uid: NEW_UID } } }),
  ],
  [
    'persistent-volumes',
    'another class, by server-side apply',
    'nothing in the spec',
    apply(PERSISTENT_VOLUMES, volumeOf(OURS), named(volumeOf(OURS), { spec: { storageClassName: 'other' } })),
  ],
]
