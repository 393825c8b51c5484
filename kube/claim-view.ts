import { DRIVER_NAME } from '../core/naming.ts'
import { parseQuantity } from '../core/quantity.ts'
import type { KubeObject } from './types.ts'

/** Set by kube-scheduler: the node that the claim's pod is to run on. */
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node'

/** Set by the PersistentVolume controller once a provisioner should act; the second is its older name. */
const PROVISIONER_ANNOTATIONS = [
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
]

/** An older way to name the class, which still wins over the field (component-helpers, GetPersistentVolumeClaimClass). */
const BETA_CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'

interface DataSource {
  readonly apiGroup?: string
  readonly kind: string
  readonly name: string
}

export interface ClaimCondition {
  readonly type: string
  readonly [more: string]: unknown
}

/** The parts of a PersistentVolumeClaim that Loam reads. */
export interface PersistentVolumeClaim extends KubeObject {
  readonly spec: {
    readonly storageClassName?: string
    readonly volumeName?: string
    readonly volumeMode?: 'Filesystem' | 'Block'
    readonly accessModes?: readonly string[]
    readonly selector?: unknown
    readonly resources?: {
      readonly requests?: Readonly<Record<string, string>>
      readonly limits?: Readonly<Record<string, string>>
    }
    readonly dataSource?: DataSource
    readonly dataSourceRef?: DataSource
  }
  readonly status?: {
    readonly phase?: string
    readonly capacity?: Readonly<Record<string, string>>
    readonly allocatedResources?: Readonly<Record<string, string>>
    readonly allocatedResourceStatuses?: Readonly<Record<string, string>>
    readonly conditions?: readonly ClaimCondition[]
  }
}

/** What is kept of a claim that waits for a volume, or for a larger one. */
export interface ClaimView {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly storageClassName: string
  /** As written: for messages. */
  readonly request: string
  /** Undefined when the request is not a quantity. */
  readonly requestBytes: bigint | undefined
  /** As written; undefined when none is set. */
  readonly limit: string | undefined
  readonly accessModes: readonly string[]
  readonly volumeMode: 'Filesystem' | 'Block'
  readonly selectedNode: string | undefined
  /** Whether the control plane asked our provisioner. It is never taken back, so `selectedNode` must be there too. */
  readonly isAskedOfUs: boolean
  readonly hasVolume: boolean
  /** Name of its PersistentVolume; empty when it has none. */
  readonly volumeName: string
  /** Whether it is bound and asks for more than its user has. */
  readonly wantsMore: boolean
  readonly hasSelector: boolean
  readonly dataSource: DataSource | undefined
  readonly isBeingDeleted: boolean
}

const wantsMore = ({ spec, status }: PersistentVolumeClaim): boolean => {
  const requested = parseQuantity(spec.resources?.requests?.storage ?? '')
  const given = parseQuantity(status?.capacity?.storage ?? '')
  return status?.phase === 'Bound' && requested !== undefined && given !== undefined && requested > given
}

/** Reads a claim. */
export const viewClaim = (claim: PersistentVolumeClaim): ClaimView => {
  const { metadata, spec } = claim
  const annotations = metadata.annotations ?? {}
  const request = spec.resources?.requests?.storage ?? ''
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
    storageClassName: annotations[BETA_CLASS_ANNOTATION] ?? spec.storageClassName ?? '',
    request,
    requestBytes: parseQuantity(request),
    limit: spec.resources?.limits?.storage,
    accessModes: spec.accessModes ?? [],
    volumeMode: spec.volumeMode ?? 'Filesystem',
    selectedNode: annotations[SELECTED_NODE],
    isAskedOfUs: PROVISIONER_ANNOTATIONS.some((name) => annotations[name] === DRIVER_NAME),
    hasVolume: (spec.volumeName ?? '') !== '',
    volumeName: spec.volumeName ?? '',
    wantsMore: wantsMore(claim),
    hasSelector: spec.selector !== undefined && spec.selector !== null,
    dataSource: spec.dataSourceRef ?? spec.dataSource,
    isBeingDeleted: metadata.deletionTimestamp !== undefined,
  }
}

/** Kinds that a provisioner fills a volume from by itself, by API group. */
const PROVISIONER_SOURCES = ['snapshot.storage.k8s.io/VolumeSnapshot', '/PersistentVolumeClaim']

/** Whether a volume populator makes the volume: any other kind belongs to one (KEP-1495). */
export const isFilledByOthers = ({ dataSource }: ClaimView): boolean =>
  dataSource !== undefined && !PROVISIONER_SOURCES.includes(`${dataSource.apiGroup ?? ''}/${dataSource.kind}`)

/** For messages and logs. */
export const describeClaim = (claim: ClaimView): string =>
  `PersistentVolumeClaim "${claim.namespace}/${claim.name}"`
