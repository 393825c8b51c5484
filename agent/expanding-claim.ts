import { parseQuantity } from '../core/quantity.ts'
import type { ClaimCondition, PersistentVolumeClaim } from '../kube/claim-view.ts'

/** How far an expansion is, in the words of the API (core/v1, ClaimResourceStatus). */
export const RESIZE_STATUSES = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizePending',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
] as const
export type ResizeStatus = (typeof RESIZE_STATUSES)[number]

/** A bound claim, as far as it decides about an expansion. */
export interface ExpandingClaim {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly phase: string
  readonly volumeName: string
  readonly storageClassName: string
  readonly isBlock: boolean
  readonly isBeingDeleted: boolean
  /** Undefined when it is not a quantity. */
  readonly requestBytes: bigint | undefined
  /** What its user has: of a file system, the size that it was grown to. */
  readonly capacityBytes: bigint | undefined
  /** The same, as written. */
  readonly capacity: string
  /** What the newest expansion was begun for (status.allocatedResources); it stays after the end. */
  readonly allocatedBytes: bigint | undefined
  /** `none` when no expansion is under way; `unknown` for a word that is news to us. */
  readonly resizeStatus: ResizeStatus | 'none' | 'unknown'
  readonly conditions: readonly ClaimCondition[]
}

const bytesOf = (quantities: Readonly<Record<string, string>> | undefined): bigint | undefined =>
  parseQuantity(quantities?.storage ?? '')

const statusOf = (text: string | undefined): ExpandingClaim['resizeStatus'] =>
  text === undefined || text === '' ? 'none' : (RESIZE_STATUSES.find((known) => known === text) ?? 'unknown')

export const viewExpandingClaim = ({ metadata, spec, status }: PersistentVolumeClaim): ExpandingClaim => ({
  namespace: metadata.namespace ?? '',
  name: metadata.name ?? '',
  uid: metadata.uid ?? '',
  resourceVersion: metadata.resourceVersion ?? '',
  phase: status?.phase ?? '',
  volumeName: spec.volumeName ?? '',
  storageClassName: spec.storageClassName ?? '',
  isBlock: spec.volumeMode === 'Block',
  isBeingDeleted: metadata.deletionTimestamp !== undefined,
  requestBytes: bytesOf(spec.resources?.requests),
  capacityBytes: bytesOf(status?.capacity),
  capacity: status?.capacity?.storage ?? '',
  allocatedBytes: bytesOf(status?.allocatedResources),
  resizeStatus: statusOf(status?.allocatedResourceStatuses?.storage),
  conditions: status?.conditions ?? [],
})
