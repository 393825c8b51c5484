import { parseQuantity } from '../core/quantity.ts'
import { DRIVER_NAME, NODE_LABEL, parseVolumeHandle, TOPOLOGY_KEY, VOLUME_FINALIZER } from '../core/naming.ts'
import type { KubeObject } from '../kube/types.ts'

interface Requirement {
  readonly key: string
  readonly operator: string
  readonly values?: readonly string[]
}

/** The parts of a PersistentVolume that are read here. */
export interface PersistentVolume extends KubeObject {
  readonly spec: {
    readonly storageClassName?: string
    readonly capacity?: Readonly<Record<string, string>>
    readonly accessModes?: readonly string[]
    readonly volumeMode?: 'Filesystem' | 'Block'
    readonly claimRef?: { readonly namespace?: string; readonly name?: string }
    readonly csi?: { readonly driver: string; readonly volumeHandle: string }
    readonly nodeAffinity?: {
      readonly required?: {
        readonly nodeSelectorTerms: readonly {
          readonly matchExpressions?: readonly Requirement[]
          readonly matchFields?: readonly Requirement[]
        }[]
      }
    }
  }
  readonly status?: { readonly phase?: string }
}

/** A PersistentVolume of our driver that no agent sees, or that would go without one. */
export interface UnmarkedVolume {
  readonly name: string
  readonly uid: string
  readonly resourceVersion: string
  readonly finalizers: readonly string[]
  /** The one node that can use it; or why it cannot be told which. */
  readonly place: { readonly nodeName: string } | { readonly unclear: string }
}

/** Exactly what the agent writes, and what the policies hold it to: anything else may mean another node, too. */
const nodeOf = ({ nodeAffinity }: PersistentVolume['spec']): string | undefined => {
  const [term, ...otherTerms] = nodeAffinity?.required?.nodeSelectorTerms ?? []
  const [wanted, ...otherWishes] = term?.matchExpressions ?? []
  const [nodeName, ...otherNodes] = wanted?.values ?? []
  const more = [...otherTerms, ...otherWishes, ...otherNodes, ...(term?.matchFields ?? [])]
  if (more.length > 0 || wanted?.key !== TOPOLOGY_KEY || wanted.operator !== 'In') return undefined
  return nodeName
}

const placeOf = (spec: PersistentVolume['spec'], volumeHandle: string): UnmarkedVolume['place'] => {
  if (parseVolumeHandle(volumeHandle) === undefined)
    return {
      unclear:
        `spec.csi.volumeHandle is "${volumeHandle}", and has to be the UUIDs that LVM gave to the volume group and to ` +
        'the logical volume, with a "/" between',
    }
  const nodeName = nodeOf(spec)
  if (nodeName !== undefined) return { nodeName }
  return {
    unclear:
      'spec.nodeAffinity does not name one node: it has to be one term with the one expression ' +
      `"${TOPOLOGY_KEY} In [NODE]"`,
  }
}

/** A PersistentVolume of ours that a claim may get, and that no claim has. */
export interface FreeVolume {
  readonly name: string
  readonly nodeName: string
  readonly storageClassName: string
  readonly capacityBytes: bigint
  readonly accessModes: readonly string[]
  readonly volumeMode: 'Filesystem' | 'Block'
  /** Namespace and name of the only claim that may have it; undefined when any may. */
  readonly claimedBy: string | undefined
}

/** What is kept of a PersistentVolume: one of the two, or both. */
export interface VolumeView {
  readonly unmarked: UnmarkedVolume | undefined
  readonly free: FreeVolume | undefined
}

/** Undefined for one that has both marks. */
const unmarkedVolume = ({ metadata, spec }: PersistentVolume): UnmarkedVolume | undefined => {
  const place = placeOf(spec, spec.csi?.volumeHandle ?? '')
  const { name = '', uid = '', resourceVersion = '', labels = {}, finalizers = [] } = metadata
  const isMarked = 'nodeName' in place && labels[NODE_LABEL] === place.nodeName
  return isMarked && finalizers.includes(VOLUME_FINALIZER)
    ? undefined
    : { name, uid, resourceVersion, finalizers, place }
}

/** Undefined for one that is bound, or was, or whose node is not certain. */
const freeVolume = ({ metadata, spec, status }: PersistentVolume): FreeVolume | undefined => {
  const nodeName = nodeOf(spec)
  if (status?.phase !== 'Available' || nodeName === undefined) return undefined
  const { claimRef, storageClassName = '', accessModes = [], volumeMode = 'Filesystem' } = spec
  return {
    ...{ name: metadata.name ?? '', nodeName, storageClassName, accessModes, volumeMode },
    capacityBytes: parseQuantity(spec.capacity?.storage ?? '') ?? 0n,
    claimedBy: claimRef === undefined ? undefined : `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}`,
  }
}

/** Projection: those of other drivers are dropped, those that are on their way out, and those that have all they need. */
export const viewVolume = (volume: PersistentVolume): VolumeView | undefined => {
  const { metadata, spec } = volume
  if (spec.csi?.driver !== DRIVER_NAME || metadata.deletionTimestamp !== undefined) return undefined
  const [unmarked, free] = [unmarkedVolume(volume), freeVolume(volume)]
  return unmarked === undefined && free === undefined ? undefined : { unmarked, free }
}
