/**
 * What Loam writes about a volume into the tags of its logical volume: LVM itself is the journal, and there is no
 * state file on a node. Tags are given in the one `lvcreate` that makes the volume, so they commit with it.
 *
 * LVM allows letters, digits and `_ + . - / = ! : & #` in a tag, and 1024 characters (lvm(8)).
 */

/**
 * Life of a volume. `new` holds no user data by construction and is the only state that may be collected without a
 * person; `formatting` is set before mkfs starts; `used` before a consumer may write; `erasing` on the way out.
 */
export const VOLUME_STATES = ['new', 'formatting', 'used', 'erasing'] as const
export type VolumeState = (typeof VOLUME_STATES)[number]

/** How the bytes of a deleted volume are made unreadable before its extents are free again. */
export const ERASE_METHODS = ['zero', 'discard', 'none'] as const
export type EraseMethod = (typeof ERASE_METHODS)[number]

/** Block volumes have no file system. */
export const FILE_SYSTEMS = ['ext4', 'xfs', 'btrfs'] as const
export type FileSystem = (typeof FILE_SYSTEMS)[number]

/** The record of one volume. */
export interface VolumeRecord {
  readonly state: VolumeState
  /** UID of the kube-system namespace of the cluster that owns the volume. */
  readonly clusterId: string
  readonly claimUid: string
  readonly claimNamespace: string
  readonly claimName: string
  readonly storageClassName: string
  readonly erase: EraseMethod
  /** `block` for volumeMode Block. */
  readonly content: FileSystem | 'block'
  /** Set when a caller of the CSI controller service made it, who need not be Kubernetes: it is never an orphan. */
  readonly madeBy?: 'csi'
}

const PREFIX = 'loam.'
export const stateTag = (state: VolumeState): string => `${PREFIX}state=${state}`

const ERASED_PREFIX = `${PREFIX}erased=`

/** How far a volume in state `erasing` has been erased from its start, in bytes. */
export const erasedTag = (bytes: bigint): string => `${ERASED_PREFIX}${bytes}`

/** Bytes from the start that are erased for certain; 0 when no tag says so, or one cannot be read. */
export const erasedBytesOf = (tags: readonly string[]): bigint => {
  const texts = tags
    .filter((tag) => tag.startsWith(ERASED_PREFIX))
    .map((tag) => tag.slice(ERASED_PREFIX.length))
  const [text = ''] = texts
  return texts.length === 1 && /^\d{1,19}$/.test(text) ? BigInt(text) : 0n
}

/** The tags that carry a record, in a stable order. */
export const tagsOf = (record: VolumeRecord): string[] => [
  stateTag(record.state),
  `${PREFIX}cluster=${record.clusterId}`,
  `${PREFIX}claim-uid=${record.claimUid}`,
  `${PREFIX}claim=${record.claimNamespace}/${record.claimName}`,
  `${PREFIX}class=${record.storageClassName}`,
  `${PREFIX}erase=${record.erase}`,
  `${PREFIX}content=${record.content}`,
  ...(record.madeBy === undefined ? [] : [`${PREFIX}made-by=${record.madeBy}`]),
]

const oneOf = <T extends string>(allowed: readonly T[], value: string | undefined): T | undefined =>
  allowed.find((candidate) => candidate === value)

const CONTENTS = [...FILE_SYSTEMS, 'block'] as const

/**
 * Reads a record back. Undefined when any part is missing, doubled or unknown: a volume that cannot be read
 * completely is not ours to touch.
 */
export const recordOf = (tags: readonly string[]): VolumeRecord | undefined => {
  const values = new Map<string, string>()
  for (const tag of tags) {
    if (!tag.startsWith(PREFIX)) continue
    const equals = tag.indexOf('=')
    if (equals < 0) continue
    const key = tag.slice(PREFIX.length, equals)
    if (values.has(key)) return undefined
    values.set(key, tag.slice(equals + 1))
  }
  const state = oneOf(VOLUME_STATES, values.get('state'))
  const erase = oneOf(ERASE_METHODS, values.get('erase'))
  const content = oneOf(CONTENTS, values.get('content'))
  const clusterId = values.get('cluster')
  const claimUid = values.get('claim-uid')
  const storageClassName = values.get('class')
  const [claimNamespace, claimName, ...rest] = values.get('claim')?.split('/') ?? []
  if (state === undefined || erase === undefined || content === undefined) return undefined
  if (!clusterId || !claimUid || !storageClassName) return undefined
  if (!claimNamespace || !claimName || rest.length > 0) return undefined
  const madeBy = oneOf(['csi'] as const, values.get('made-by'))
  if (values.has('made-by') && madeBy === undefined) return undefined
  return {
    ...{ state, clusterId, claimUid, claimNamespace, claimName, storageClassName, erase, content },
    ...(madeBy === undefined ? {} : { madeBy }),
  }
}

/** Tags of a volume group that Loam made: whose it is. */
export const groupTagsOf = (clusterId: string): string[] => [
  `${PREFIX}owner=loam.storage`,
  `${PREFIX}cluster=${clusterId}`,
]

/** The cluster a volume group belongs to, or undefined when Loam did not make it. */
export const clusterOfGroup = (tags: readonly string[]): string | undefined =>
  tags.includes(`${PREFIX}owner=loam.storage`)
    ? tags.find((tag) => tag.startsWith(`${PREFIX}cluster=`))?.slice(`${PREFIX}cluster=`.length)
    : undefined

const POOL_TAG = `${PREFIX}pool=thin`

/** Tags of a thin pool that Loam made: it is no volume of anybody. */
export const poolTagsOf = (clusterId: string): string[] => [...groupTagsOf(clusterId), POOL_TAG]

/** The cluster a thin pool belongs to, or undefined when Loam did not make it. */
export const clusterOfPool = (tags: readonly string[]): string | undefined =>
  tags.includes(POOL_TAG) ? clusterOfGroup(tags) : undefined

/** On a group: space was let go in it without being erased, so its free extents may hold what somebody wrote. */
export const UNERASED_TAG = `${PREFIX}unerased`

export const hasUnerasedSpace = (groupTags: readonly string[]): boolean => groupTags.includes(UNERASED_TAG)
