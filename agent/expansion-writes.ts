import { atStep } from '../core/failpoints.ts'
import { formatQuantity } from '../core/quantity.ts'
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '../kube/resources.ts'
import type { KubeClient } from '../kube/types.ts'
import type { ClaimCondition, PersistentVolumeClaim } from '../kube/claim-view.ts'
import { viewExpandingClaim, type ExpandingClaim, type ResizeStatus } from './expanding-claim.ts'
import {
  PRE_RESIZE_CAPACITY,
  viewPersistentVolume,
  type PersistentVolume,
  type PersistentVolumeView,
} from './persistent-volume.ts'

/** Kubelet leaves a volume alone whose claim has it (kubernetes, pkg/volume/util/types). */
const NODE_EXPANSION_NOT_REQUIRED = 'volume.kubernetes.io/node-expansion-not-required'

/** Each phase of an expansion replaces those of the phases before. */
const RESIZE_CONDITIONS = ['Resizing', 'FileSystemResizePending', 'ControllerResizeError', 'NodeResizeError']

interface Change {
  /** Null removes it. */
  readonly resizeStatus: ResizeStatus | null
  readonly condition?: { readonly type: string; readonly message: string }
  readonly allocatedBytes?: bigint
  readonly capacityBytes?: bigint
  /** Whether kubelet has nothing to do; stays as it is when absent. */
  readonly isWithoutNode?: boolean
}

const quantity = (bytes: bigint | undefined): { storage: string } | undefined =>
  bytes === undefined ? undefined : { storage: formatQuantity(bytes) }

/** Other controllers have conditions of their own in the list, and a merge patch replaces all of it: the version guards it. */
const conditionsOf = ({ conditions }: ExpandingClaim, { condition }: Change, now: Date): ClaimCondition[] => {
  const others = conditions.filter(({ type }) => !RESIZE_CONDITIONS.includes(type))
  if (condition === undefined) return others
  return [...others, { ...condition, status: 'True', lastTransitionTime: now.toISOString() }]
}

/** The merge patch of a claim's status. Exported for tests. */
export const statusPatch = (claim: ExpandingClaim, change: Change, now: Date): unknown => ({
  metadata: {
    uid: claim.uid,
    resourceVersion: claim.resourceVersion,
    ...(change.isWithoutNode === undefined
      ? {}
      : { annotations: { [NODE_EXPANSION_NOT_REQUIRED]: change.isWithoutNode ? 'true' : null } }),
  },
  status: {
    conditions: conditionsOf(claim, change, now),
    allocatedResourceStatuses: { storage: change.resizeStatus },
    allocatedResources: quantity(change.allocatedBytes),
    capacity: quantity(change.capacityBytes),
  },
})

const tell = async (client: KubeClient, claim: ExpandingClaim, change: Change): Promise<ExpandingClaim> => {
  const after = await atStep('tell-expansion', () =>
    client.patch<PersistentVolumeClaim>(
      PERSISTENT_VOLUME_CLAIMS,
      { namespace: claim.namespace, name: claim.name },
      statusPatch(claim, change, new Date()),
      { type: 'merge', subresource: 'status' },
    ),
  )
  return viewExpandingClaim(after)
}

/** Before the first change: from now on this size is what is being made. @throws Conflict: decide again. */
export const tellBegun = (
  client: KubeClient,
  claim: ExpandingClaim,
  sizeBytes: bigint,
): Promise<ExpandingClaim> =>
  tell(client, claim, {
    resizeStatus: 'ControllerResizeInProgress',
    condition: { type: 'Resizing', message: '' },
    allocatedBytes: sizeBytes,
    isWithoutNode: false,
  })

/** It cannot be done: the user may ask for less. @throws Conflict */
export const tellInfeasible = (
  client: KubeClient,
  claim: ExpandingClaim,
  message: string,
): Promise<ExpandingClaim> =>
  tell(client, claim, {
    resizeStatus: 'ControllerResizeInfeasible',
    condition: { type: 'ControllerResizeError', message: `failed to expand pvc with ${message}` },
  })

/**
 * The volume is larger, and its file system is for kubelet to ask for; with a status that is empty kubelet would do nothing
 * (node_expander.go, runPreCheck). The claim's capacity stays what its user has. @throws Conflict
 */
export const tellNodePending = (client: KubeClient, claim: ExpandingClaim): Promise<ExpandingClaim> =>
  tell(client, claim, {
    resizeStatus: 'NodeResizePending',
    condition: {
      type: 'FileSystemResizePending',
      message: 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.',
    },
  })

/** A block volume is all there. @throws Conflict */
export const tellDone = (
  client: KubeClient,
  claim: ExpandingClaim,
  capacityBytes: bigint,
): Promise<ExpandingClaim> => tell(client, claim, { resizeStatus: null, capacityBytes, isWithoutNode: true })

const patchVolume = async (
  client: KubeClient,
  { name, uid, resourceVersion }: PersistentVolumeView,
  annotations: Readonly<Record<string, string | null>>,
  spec?: unknown,
): Promise<PersistentVolumeView> => {
  const patch = { metadata: { uid, resourceVersion, annotations }, spec }
  const after = await atStep('grow-persistent-volume', () =>
    client.patch<PersistentVolume>(PERSISTENT_VOLUMES, { name }, patch, { type: 'merge' }),
  )
  return viewPersistentVolume(after)
}

/**
 * Writes down what the volume has, never less than was written. `oldCapacity` is noted with it, once, when a file system
 * has still to grow: should the claim be bound anew before, the control plane gives it that capacity
 * (pv_controller.go, updateClaimStatus). @throws Conflict
 */
export const tellVolumeSize = async (
  client: KubeClient,
  volume: PersistentVolumeView,
  sizeBytes: bigint,
  oldCapacity: string | undefined,
): Promise<PersistentVolumeView> => {
  const grows = volume.capacityBytes === undefined || volume.capacityBytes < sizeBytes
  const notes = oldCapacity !== undefined && volume.preResizeCapacity === undefined
  if (!grows && !notes) return volume
  return await patchVolume(
    client,
    volume,
    notes ? { [PRE_RESIZE_CAPACITY]: oldCapacity } : {},
    grows ? { capacity: { storage: formatQuantity(sizeBytes) } } : undefined,
  )
}

/** @throws Conflict */
export const forgetOldSize = (
  client: KubeClient,
  volume: PersistentVolumeView,
): Promise<PersistentVolumeView> => patchVolume(client, volume, { [PRE_RESIZE_CAPACITY]: null })
