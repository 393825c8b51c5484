import { DRIVER_NAME } from '../core/naming.ts'
import { parseQuantity } from '../core/quantity.ts'
import type { KubeObject } from '../kube/types.ts'

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

/** The parts of a PersistentVolumeClaim that Loam reads. */
export interface PersistentVolumeClaim extends KubeObject {
  readonly spec: {
    readonly storageClassName?: string
    readonly volumeName?: string
    readonly volumeMode?: 'Filesystem' | 'Block'
    readonly accessModes?: readonly string[]
    readonly selector?: unknown
    readonly resources?: { readonly requests?: Readonly<Record<string, string>> }
    readonly dataSource?: DataSource
    readonly dataSourceRef?: DataSource
  }
}

/** What is kept of a claim that waits for a volume. */
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
  readonly accessModes: readonly string[]
  readonly volumeMode: 'Filesystem' | 'Block'
  readonly selectedNode: string | undefined
  /** Whether the control plane asked our provisioner. It is never taken back, so `selectedNode` must be there too. */
  readonly isAskedOfUs: boolean
  readonly hasVolume: boolean
  readonly hasSelector: boolean
  readonly dataSource: DataSource | undefined
  readonly isBeingDeleted: boolean
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
    accessModes: spec.accessModes ?? [],
    volumeMode: spec.volumeMode ?? 'Filesystem',
    selectedNode: annotations[SELECTED_NODE],
    isAskedOfUs: PROVISIONER_ANNOTATIONS.some((name) => annotations[name] === DRIVER_NAME),
    hasVolume: (spec.volumeName ?? '') !== '',
    hasSelector: spec.selector !== undefined && spec.selector !== null,
    dataSource: spec.dataSourceRef ?? spec.dataSource,
    isBeingDeleted: metadata.deletionTimestamp !== undefined,
  }
}

/**
 * Projection for the agent's store: claims that still want a volume and are given to this node, or to none yet.
 * All others are dropped, so that memory grows with this node's own work.
 */
export const claimsThatConcern =
  (nodeName: string) =>
  (claim: PersistentVolumeClaim): ClaimView | undefined => {
    const view = viewClaim(claim)
    const isOurs = view.selectedNode === undefined || view.selectedNode === nodeName
    return isOurs && !view.hasVolume ? view : undefined
  }

/** For messages and logs. */
export const describeClaim = (claim: ClaimView): string =>
  `PersistentVolumeClaim "${claim.namespace}/${claim.name}"`
