import {
  DRIVER_NAME,
  formatVolumeHandle,
  MKFS_OPTIONS_ATTRIBUTE,
  NODE_LABEL,
  parseVolumeHandle,
  TOPOLOGY_KEY,
  VOLUME_FINALIZER,
  volumeNameForClaim,
  type VolumeHandle,
} from '../core/naming.ts'
import type { ClassParameters } from '../core/parameters.ts'
import { formatQuantity, parseQuantity } from '../core/quantity.ts'
import type { Reflector } from '../kube/reflector.ts'
import type { KubeObject } from '../kube/types.ts'
import type { LogicalVolume } from '../lvm/types.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import type { ClassView } from '../kube/class-view.ts'

/** The parts of a PersistentVolume that Loam reads and writes. */
export interface PersistentVolume extends KubeObject {
  readonly spec: {
    readonly accessModes: readonly string[]
    readonly capacity: Readonly<Record<string, string>>
    readonly claimRef?: {
      readonly uid?: string
      readonly namespace?: string
      readonly name?: string
      readonly [more: string]: unknown
    }
    readonly csi?: {
      readonly driver: string
      readonly volumeHandle: string
      readonly fsType?: string
      readonly volumeAttributes?: Readonly<Record<string, string>>
    }
    readonly mountOptions?: readonly string[]
    readonly nodeAffinity?: unknown
    readonly persistentVolumeReclaimPolicy: string
    readonly storageClassName?: string
    readonly volumeMode: string
  }
  readonly status?: { readonly phase?: string }
}

interface Parts {
  readonly claim: Pick<ClaimView, 'uid' | 'namespace' | 'name' | 'accessModes' | 'volumeMode'>
  readonly storageClass: Pick<ClassView, 'name' | 'mountOptions' | 'reclaimPolicy'>
  readonly parameters: Pick<ClassParameters, 'fileSystem' | 'mkfsOptions'>
  readonly volume: Pick<LogicalVolume, 'handle' | 'sizeBytes'>
  readonly nodeName: string
}

/**
 * The PersistentVolume for a claim's logical volume. Its name comes from the claim's UID and is the arbiter when two
 * agents answer one claim; source, mode and affinity can never be changed afterwards (core/validation), so they are
 * complete from the start.
 */
export const persistentVolumeFor = ({
  claim,
  storageClass,
  parameters,
  volume,
  nodeName,
}: Parts): PersistentVolume => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: {
    name: volumeNameForClaim(claim.uid),
    labels: { [NODE_LABEL]: nodeName },
    annotations: { 'pv.kubernetes.io/provisioned-by': DRIVER_NAME },
    finalizers: [VOLUME_FINALIZER],
  },
  spec: {
    accessModes: claim.accessModes,
    capacity: { storage: formatQuantity(volume.sizeBytes) },
    claimRef: {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace: claim.namespace,
      name: claim.name,
      uid: claim.uid,
    },
    csi: {
      driver: DRIVER_NAME,
      volumeHandle: formatVolumeHandle(volume.handle),
      ...(claim.volumeMode === 'Filesystem' ? { fsType: parameters.fileSystem } : {}),
      ...(parameters.mkfsOptions.length > 0
        ? { volumeAttributes: { [MKFS_OPTIONS_ATTRIBUTE]: parameters.mkfsOptions.join(' ') } }
        : {}),
    },
    ...(storageClass.mountOptions.length > 0 ? { mountOptions: storageClass.mountOptions } : {}),
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: TOPOLOGY_KEY, operator: 'In', values: [nodeName] }] },
        ],
      },
    },
    persistentVolumeReclaimPolicy: storageClass.reclaimPolicy,
    storageClassName: storageClass.name,
    volumeMode: claim.volumeMode,
  },
})

/** The claim's capacity from before an expansion that the file system has yet to follow (kubernetes, pkg/volume/util). */
export const PRE_RESIZE_CAPACITY = 'volume.alpha.kubernetes.io/pre-resize-capacity'

/** What is kept of a PersistentVolume of this node. */
export interface PersistentVolumeView {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly phase: string
  readonly reclaimPolicy: string
  readonly isBeingDeleted: boolean
  readonly finalizers: readonly string[]
  /** Undefined when it is not a volume of our driver, or its handle is not one of ours. */
  readonly handle: VolumeHandle | undefined
  /** Undefined when it is not a quantity. */
  readonly capacityBytes: bigint | undefined
  /** The claim that it is bound to, or kept for. */
  readonly claim: { readonly namespace: string; readonly name: string; readonly uid: string } | undefined
  readonly preResizeCapacity: string | undefined
  readonly mountOptions: readonly string[]
}

const claimOf = ({ claimRef }: PersistentVolume['spec']): PersistentVolumeView['claim'] =>
  claimRef === undefined
    ? undefined
    : { namespace: claimRef.namespace ?? '', name: claimRef.name ?? '', uid: claimRef.uid ?? '' }

export const viewPersistentVolume = (object: PersistentVolume): PersistentVolumeView => ({
  name: object.metadata.name ?? '',
  uid: object.metadata.uid ?? '',
  resourceVersion: object.metadata.resourceVersion ?? '',
  phase: object.status?.phase ?? '',
  reclaimPolicy: object.spec.persistentVolumeReclaimPolicy,
  isBeingDeleted: object.metadata.deletionTimestamp !== undefined,
  finalizers: object.metadata.finalizers ?? [],
  mountOptions: object.spec.mountOptions ?? [],
  handle:
    object.spec.csi?.driver === DRIVER_NAME ? parseVolumeHandle(object.spec.csi.volumeHandle) : undefined,
  capacityBytes: parseQuantity(object.spec.capacity.storage ?? ''),
  claim: claimOf(object.spec),
  preResizeCapacity: object.metadata.annotations?.[PRE_RESIZE_CAPACITY],
})

/**
 * Mount options of all PersistentVolumes that name the logical volume, as the copy has them. Undefined when it has none
 * such, or may be behind the server.
 */
export const mountOptionsIn = (
  copy: Pick<Reflector<PersistentVolumeView>, 'entries' | 'trouble'> | undefined,
  { volumeUuid }: VolumeHandle,
): readonly string[] | undefined => {
  if (copy === undefined || copy.trouble !== undefined) return undefined
  const naming = [...copy.entries()].filter(([, { handle }]) => handle?.volumeUuid === volumeUuid)
  return naming.length === 0 ? undefined : naming.flatMap(([, { mountOptions }]) => mountOptions)
}
