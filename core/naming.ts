import { createHash } from 'node:crypto'

/** Name of the CSI driver, of the provisioner in a StorageClass and of the API group. */
export const DRIVER_NAME = 'loam.storage'

/** Node label and CSI topology segment; its value is the Node object's name. */
export const TOPOLOGY_KEY = 'topology.loam.storage/node'

/** Label on PersistentVolumes of ours, so that an agent watches only its own. The value is the Node's name. */
export const NODE_LABEL = 'loam.storage/node'

/** Holds a PersistentVolume until its logical volume is read back absent. */
export const VOLUME_FINALIZER = 'loam.storage/logical-volume'

/** Key in a PersistentVolume's volumeAttributes: extra words for mkfs, checked again by the CSI node service. */
export const MKFS_OPTIONS_ATTRIBUTE = 'loam.storage/mkfsOptions'

/**
 * Key in the volume context of a volume that a CSI call made: its file system, for callers that name none when they stage it.
 */
export const FILE_SYSTEM_ATTRIBUTE = 'loam.storage/fileSystem'

/** A Kubernetes label value ends at 63 characters, and the topology segment is one. */
export const MAX_NODE_NAME_LENGTH = 63

const shortHash = (...parts: string[]): string =>
  createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 8)

/**
 * Name of the NodeLocalStorage object for a StorageClass on a node. The hash keeps class "a.b" on node "c" apart
 * from class "a" on node "b.c"; the readable part is cut so that the whole is a DNS subdomain (253 characters).
 */
export const nodeLocalStorageName = (storageClassName: string, nodeName: string): string => {
  const readable = `${storageClassName}.${nodeName}`.slice(0, 240).replace(/[.-]+$/, '')
  return `${readable}-${shortHash(storageClassName, nodeName)}`
}

/** Volume group of a class that does not name one. */
export const defaultVolumeGroupName = (storageClassName: string): string => `loam-${storageClassName}`

/** Name of the logical volume and of the PersistentVolume of a claim: deterministic, so that a retry meets itself. */
export const volumeNameForClaim = (claimUid: string): string => `pvc-${claimUid}`

const AGENT_LEASE_PREFIX = 'loam-agent-'

/** Name of the Lease that is the sign of life of a node's agent, in the namespace of the agents. */
export const agentLeaseName = (nodeName: string): string => `${AGENT_LEASE_PREFIX}${nodeName}`

/** The node whose agent has the Lease of this name; undefined for any other Lease. */
export const nodeOfAgentLease = (leaseName: string): string | undefined =>
  leaseName.startsWith(AGENT_LEASE_PREFIX) ? leaseName.slice(AGENT_LEASE_PREFIX.length) : undefined

/** Both UUIDs are LVM's, 38 characters each, so a handle is 77 bytes: CSI strings end at 128. */
export interface VolumeHandle {
  readonly groupUuid: string
  readonly volumeUuid: string
}

const LVM_UUID = '[A-Za-z0-9]{6}(?:-[A-Za-z0-9]{4}){5}-[A-Za-z0-9]{6}'
const HANDLE = new RegExp(`^(${LVM_UUID})/(${LVM_UUID})$`)

export const formatVolumeHandle = (handle: VolumeHandle): string => `${handle.groupUuid}/${handle.volumeUuid}`

/** The handle's two UUIDs, or undefined when the text is not a handle of ours. */
export const parseVolumeHandle = (text: string): VolumeHandle | undefined => {
  const match = HANDLE.exec(text)
  if (match === null) return undefined
  const [, groupUuid, volumeUuid] = match
  return groupUuid === undefined || volumeUuid === undefined ? undefined : { groupUuid, volumeUuid }
}
