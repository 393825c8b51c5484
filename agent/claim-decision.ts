import { describeTopologies, isAllowedTopology } from '../core/allowed-topologies.ts'
import { volumeExtents } from '../core/layout-size.ts'
import { parseMountOptions } from '../core/mount-options.ts'
import { volumeNameForClaim } from '../core/naming.ts'
import { describeBytes, parseQuantity } from '../core/quantity.ts'
import type { ClassParameters } from '../core/parameters.ts'
import { hasUnerasedSpace } from '../core/volume-tags.ts'
import { MIN_FILE_SYSTEM_BYTES } from '../lvm/file-system.ts'
import type { CreateVolumeRequest, VolumeGroup } from '../lvm/types.ts'
import { isFilledByOthers, type ClaimView } from '../kube/claim-view.ts'
import type { ClassView } from '../kube/class-view.ts'

/** What to do about a claim that may want a volume from this node. */
export type ClaimDecision =
  /** It is not ours to answer. */
  | { readonly kind: 'ignore'; readonly why: string }
  /** No node can serve it as it is: say so, and look again now and then. The selected node stays. */
  | { readonly kind: 'refuse'; readonly reason: string; readonly message: string }
  /**
   * This node cannot serve it, another might: publish the truth, then give the claim back to the scheduler. The message is
   * about the node, and does not name it.
   */
  | { readonly kind: 'reschedule'; readonly reason: string; readonly message: string }
  | {
      readonly kind: 'create'
      readonly storageClass: ClassView
      readonly parameters: ClassParameters
      readonly request: CreateVolumeRequest
    }

/** What the decision is made from. */
export interface ClaimSituation {
  readonly claim: ClaimView
  readonly nodeName: string
  readonly clusterId: string
  /** Undefined when there is no class of ours by that name. */
  readonly storageClass: ClassView | undefined
  /** Of the node; they count only when the class has allowedTopologies. */
  readonly nodeLabels: Readonly<Record<string, string>>
  /** The class's group on this node. */
  readonly group: VolumeGroup | undefined
  /** Why the group cannot be used for new volumes. */
  readonly groupProblem: { readonly reason: string; readonly message: string } | undefined
}

/** A local volume is attached to one node, where many pods may read it; Kubernetes itself keeps ReadWriteOncePod to one pod. */
const ACCESS_MODES = ['ReadWriteOnce', 'ReadWriteOncePod', 'ReadOnlyMany']

/** CSI carries sizes as int64. */
const MAX_BYTES = (1n << 63n) - 1n

const ignore = (why: string): ClaimDecision => ({ kind: 'ignore', why })
const refuse = (reason: string, message: string): ClaimDecision => ({ kind: 'refuse', reason, message })
const reschedule = (reason: string, message: string): ClaimDecision => ({
  kind: 'reschedule',
  reason,
  message,
})

type Rule = (situation: ClaimSituation) => ClaimDecision | undefined

/** Whether the claim is for this agent at all. */
const CONCERNS: readonly Rule[] = [
  ({ claim, nodeName }) =>
    claim.selectedNode === nodeName
      ? undefined
      : ignore(`selected node is ${claim.selectedNode ?? 'not set'}`),
  ({ claim }) => (claim.isAskedOfUs ? undefined : ignore('another provisioner is asked')),
  ({ claim }) => (claim.hasVolume ? ignore('it names a volume already') : undefined),
  ({ claim }) => (claim.isBeingDeleted ? ignore('it is being deleted') : undefined),
  ({ claim }) =>
    claim.dataSource !== undefined && isFilledByOthers(claim)
      ? ignore(`a volume populator fills it from ${claim.dataSource.kind} "${claim.dataSource.name}"`)
      : undefined,
]

/** kubelet would meet it at the mount, when the pod is here and cannot go elsewhere. */
const mountOptionFault: Rule = ({ claim, storageClass }) => {
  if (storageClass === undefined || 'error' in storageClass.settings) return undefined
  const { fileSystem } = storageClass.settings.parameters
  const read = parseMountOptions(fileSystem, storageClass.mountOptions)
  return claim.volumeMode === 'Block' || 'options' in read
    ? undefined
    : refuse('InvalidMountOptions', `StorageClass "${storageClass.name}", mountOptions: ${read.fault}`)
}

/** A file system does not show the bytes that it was made over; a block device shows them all. */
const blockWithoutErasing: Rule = ({ claim, storageClass }) =>
  claim.volumeMode === 'Block' &&
  storageClass !== undefined &&
  'parameters' in storageClass.settings &&
  storageClass.settings.parameters.erase === 'none'
    ? refuse(
        'EraseNoneNeedsFileSystem',
        `volumeMode is Block, and StorageClass "${storageClass.name}" has erase "none", which is for file systems only: use a class with erase "zero"`,
      )
    : undefined

/** Never more than the limit: CSI calls it `limit_bytes`. */
const limitFault = ({ limit }: ClaimView, bytes: bigint, what: string): ClaimDecision | undefined => {
  if (limit === undefined) return undefined
  const limitBytes = parseQuantity(limit)
  return limitBytes !== undefined && limitBytes >= bytes
    ? undefined
    : refuse(
        'LimitTooLow',
        `${what}, and resources.limits.storage is "${limit}": raise the limit, or leave it out`,
      )
}

/** Whether any node of Loam's could serve it. */
const FEASIBLE: readonly Rule[] = [
  ({ claim, storageClass }) =>
    storageClass === undefined
      ? refuse(
          'ClassNotFound',
          `StorageClass "${claim.storageClassName}" does not exist or has another provisioner`,
        )
      : undefined,
  ({ storageClass }) =>
    storageClass !== undefined && 'error' in storageClass.settings
      ? refuse(storageClass.settings.error.reason, storageClass.settings.error.message)
      : undefined,
  ({ claim }) =>
    claim.dataSource === undefined
      ? undefined
      : refuse(
          'DataSourceNotSupported',
          `this version cannot fill a volume from ${claim.dataSource.kind} "${claim.dataSource.name}"`,
        ),
  ({ claim }) =>
    claim.hasSelector
      ? refuse(
          'SelectorNotSupported',
          'spec.selector is set: it chooses among existing volumes, and a new one has no labels to match',
        )
      : undefined,
  ({ claim }) => {
    const foreign = claim.accessModes.filter((mode) => !ACCESS_MODES.includes(mode))
    return foreign.length === 0 && claim.accessModes.length > 0
      ? undefined
      : refuse(
          'AccessModeNotSupported',
          `access modes are [${claim.accessModes.join(', ')}]: allowed for a node-local volume are ${ACCESS_MODES.join(', ')}`,
        )
  },
  ({ claim }) =>
    claim.requestBytes !== undefined && claim.requestBytes > 0n && claim.requestBytes <= MAX_BYTES
      ? undefined
      : refuse(
          'InvalidSize',
          `storage request is "${claim.request}": allowed are quantities from 1 byte to ${MAX_BYTES} bytes`,
        ),
  ({ claim }) => limitFault(claim, claim.requestBytes ?? 0n, `storage request is ${claim.request}`),
  mountOptionFault,
  blockWithoutErasing,
]

/** A thin pool zeroes what it gives to a volume, whatever was there before. */
const showsZeros = (storageClass: ClassView | undefined): boolean =>
  storageClass !== undefined &&
  'parameters' in storageClass.settings &&
  storageClass.settings.parameters.layout.name === 'thin'

/** Whether this node can serve it now. */
const POSSIBLE_HERE: readonly Rule[] = [
  // the scheduler knows it, too; a label may have changed since, or a person has chosen the node
  ({ storageClass, nodeLabels }) =>
    storageClass === undefined || isAllowedTopology(storageClass.allowedTopologies, nodeLabels)
      ? undefined
      : reschedule(
          'TopologyNotAllowed',
          `its labels do not match allowedTopologies of StorageClass "${storageClass.name}": ${describeTopologies(storageClass.allowedTopologies)}`,
        ),
  ({ groupProblem }) =>
    groupProblem === undefined ? undefined : reschedule(groupProblem.reason, groupProblem.message),
  ({ group, claim }) =>
    group === undefined
      ? reschedule('NoVolumeGroup', `no volume group for StorageClass "${claim.storageClassName}"`)
      : undefined,
  ({ group, claim, storageClass }) =>
    claim.volumeMode === 'Block' &&
    group !== undefined &&
    hasUnerasedSpace(group.tags) &&
    !showsZeros(storageClass)
      ? reschedule(
          'UnerasedSpace',
          `volume group "${group.name}" holds space that a class with erase "none" let go as it was, and volumeMode is Block, which would show it`,
        )
      : undefined,
]

const tooSmall = (
  claim: ClaimView,
  parameters: ClassParameters,
  sizeBytes: bigint,
): ClaimDecision | undefined => {
  const minimum = MIN_FILE_SYSTEM_BYTES[parameters.fileSystem]
  if (claim.volumeMode === 'Block' || sizeBytes >= minimum) return undefined
  return refuse(
    'TooSmallForFileSystem',
    `storage request is ${claim.request}: ${parameters.fileSystem} needs at least ${describeBytes(minimum)}`,
  )
}

/** Decides; the first rule that speaks wins. Pure: the same situation always gives the same decision. */
export const decideClaim = (situation: ClaimSituation): ClaimDecision => {
  for (const rule of [...CONCERNS, ...FEASIBLE, ...POSSIBLE_HERE]) {
    const decision = rule(situation)
    if (decision !== undefined) return decision
  }
  const { claim, storageClass, group, clusterId } = situation
  if (storageClass === undefined || group === undefined || 'error' in storageClass.settings) {
    return ignore('the rules above have answered this')
  }
  const { parameters } = storageClass.settings
  const { layout } = parameters
  const sizeBytes =
    volumeExtents(layout, claim.requestBytes ?? 0n, group.extentSizeBytes) * group.extentSizeBytes
  const rounded = `${claim.request} is ${sizeBytes} bytes in whole extents of ${describeBytes(group.extentSizeBytes)}`
  return (
    tooSmall(claim, parameters, sizeBytes) ??
    limitFault(claim, sizeBytes, rounded) ?? {
      kind: 'create',
      storageClass,
      parameters,
      request: {
        groupName: group.name,
        groupUuid: group.uuid,
        name: volumeNameForClaim(claim.uid),
        sizeBytes,
        layout,
        record: {
          state: 'new',
          clusterId,
          claimUid: claim.uid,
          claimNamespace: claim.namespace,
          claimName: claim.name,
          storageClassName: storageClass.name,
          erase: parameters.erase,
          content: claim.volumeMode === 'Block' ? 'block' : parameters.fileSystem,
        },
      },
    }
  )
}
