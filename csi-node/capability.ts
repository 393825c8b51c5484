import { parseMkfsOptions } from '../core/mkfs-options.ts'
import { parseMountOptions } from '../core/mount-options.ts'
import { FILE_SYSTEM_ATTRIBUTE, MKFS_OPTIONS_ATTRIBUTE } from '../core/naming.ts'
import { FILE_SYSTEMS, type FileSystem } from '../core/volume-tags.ts'
import { InvalidField } from './errors.ts'
import { VolumeCapability_AccessMode_Mode as Mode, type VolumeCapability } from './gen/csi.ts'

/** Which pods of this node may use the volume, and how. */
type Sharing = 'shared' | 'onePod' | 'readOnly'

/** How a request wants to use the volume. */
export type Access = { readonly kind: 'block'; readonly sharing: Sharing } | FileSystemAccess

export interface FileSystemAccess {
  readonly kind: 'fileSystem'
  readonly sharing: Sharing
  readonly fileSystem: FileSystem
  readonly mountOptions: readonly string[]
}

const DEFAULT_FILE_SYSTEM: FileSystem = 'ext4'

/**
 * SINGLE_NODE_WRITER comes from callers that do not know the two newer modes; two pods of one node with one
 * ReadWriteOnce claim are legal in Kubernetes, so it is shared. The other modes need several nodes.
 */
const SHARING: Partial<Record<Mode, Sharing>> = {
  [Mode.SINGLE_NODE_WRITER]: 'shared',
  [Mode.SINGLE_NODE_MULTI_WRITER]: 'shared',
  [Mode.SINGLE_NODE_SINGLE_WRITER]: 'onePod',
  [Mode.SINGLE_NODE_READER_ONLY]: 'readOnly',
  [Mode.MULTI_NODE_READER_ONLY]: 'readOnly',
}

const nameOf = (mode: Mode): string =>
  Object.entries(Mode).find(([, value]) => value === mode)?.[0] ?? String(mode)

const sharingOf = (capability: VolumeCapability): Sharing => {
  const mode = capability.accessMode?.mode ?? Mode.UNKNOWN
  const sharing = SHARING[mode]
  if (sharing !== undefined) return sharing
  throw new InvalidField(
    'volume_capability.access_mode',
    `${nameOf(mode)} is not possible: a volume of Loam lives on one node`,
    'use access mode ReadWriteOnce or ReadWriteOncePod',
  )
}

const fileSystemOf = (fsType: string, usual: FileSystem): FileSystem => {
  if (fsType === '') return usual
  const known = FILE_SYSTEMS.find((name) => name === fsType)
  if (known !== undefined) return known
  throw new InvalidField(
    'volume_capability.mount.fs_type',
    `"${fsType}" is not possible: allowed are ${FILE_SYSTEMS.join(', ')}`,
  )
}

const mountOptionsOf = (fileSystem: FileSystem, flags: readonly string[]): readonly string[] => {
  const read = parseMountOptions(fileSystem, flags)
  if ('options' in read) return read.options
  throw new InvalidField(
    'volume_capability.mount.mount_flags',
    read.fault,
    'correct mountOptions of the PersistentVolume or its StorageClass',
  )
}

/**
 * The file system of a volume for which the caller names none: what its context says, else ext4. @throws InvalidField
 */
export const usualFileSystem = (volumeContext: Readonly<Record<string, string>>): FileSystem => {
  const named = volumeContext[FILE_SYSTEM_ATTRIBUTE]
  const known = FILE_SYSTEMS.find((name) => name === (named ?? DEFAULT_FILE_SYSTEM))
  if (known !== undefined) return known
  throw new InvalidField(
    `volume_context["${FILE_SYSTEM_ATTRIBUTE}"]`,
    `"${named}" is not possible: allowed are ${FILE_SYSTEMS.join(', ')}`,
  )
}

/**
 * How a capability wants to use the volume; its file system is `usual` where it names none.
 * @throws InvalidField naming the part of the capability that is missing or not possible.
 */
export const requireAccess = (
  capability: VolumeCapability | undefined,
  usual: FileSystem = DEFAULT_FILE_SYSTEM,
): Access => {
  const accessType = capability?.accessType
  if (capability === undefined) throw new InvalidField('volume_capability', 'it is missing')
  if (accessType === undefined) throw new InvalidField('volume_capability.access_type', 'it is missing')
  const sharing = sharingOf(capability)
  if (accessType.$case === 'block') return { kind: 'block', sharing }
  const fileSystem = fileSystemOf(accessType.value.fsType, usual)
  const mountOptions = mountOptionsOf(fileSystem, accessType.value.mountFlags)
  return { kind: 'fileSystem', sharing, fileSystem, mountOptions }
}

/**
 * Extra words for mkfs. They were checked when the class was read, and are checked again here: a PersistentVolume can
 * be made by hand.
 * @throws InvalidField
 */
export const requireMkfsOptions = (volumeContext: Readonly<Record<string, string>>): readonly string[] => {
  const read = parseMkfsOptions(volumeContext[MKFS_OPTIONS_ATTRIBUTE] ?? '')
  if ('options' in read) return read.options
  throw new InvalidField(`volume_context["${MKFS_OPTIONS_ATTRIBUTE}"]`, read.fault)
}

/** What has to be in a volume that is used like this. */
export const contentOf = (access: Access): FileSystem | 'block' =>
  access.kind === 'block' ? 'block' : access.fileSystem
