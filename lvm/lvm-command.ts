import type { VolumeShape } from '../core/extension-size.ts'
import type { PlacedLayout } from '../core/layout.ts'
import type { Placement } from '../core/layout-size.ts'
import type { Effect } from './command-runner.ts'
import { checkDevicePath, checkGroupName, checkTag, checkUuid, checkVolumeName } from './names.ts'

/**
 * What lvm(8) can be asked without any change to a disk; each of these takes no lock for writing. vgcfgbackup is one:
 * its report is a file in memory, and keeping that on a disk is a step of its own.
 */
type Reading = 'fullreport' | 'vgs' | 'lvs' | 'version' | 'lvmconfig' | 'vgcfgbackup'

type Changing =
  | 'vgcreate'
  | 'vgextend'
  | 'vgchange'
  | 'vgmknodes'
  | 'lvcreate'
  | 'lvchange'
  | 'lvextend'
  | 'lvremove'
  | 'pvchange'
  | 'pvresize'

/** A sub-command of lvm(8) with its options and what they apply to; the devices it may see are added when it runs. */
export type LvmCommand = Subcommand &
  (
    | ({ readonly name: Reading } & Extract<Effect, { effect: 'read' }>)
    | ({ readonly name: Changing } & Extract<Effect, { effect: 'change' }>)
  )

interface Subcommand {
  /**
   * It reads and writes metadata, and asks nothing of the kernel. Such a change may be left to a shell that is kept
   * running. What activates, suspends or resumes a device is not: libdevmapper finds out once in a process whether there
   * is an udevd to wait for.
   */
  readonly onlyMetadata?: boolean
  readonly options: readonly string[]
  /** After `--`, so that nothing here can be an option. */
  readonly operands: readonly string[]
}

/** Room for about 20,000 volumes. LVM's own 1 MiB is full at about 1,300, and then every change fails. */
const METADATA_SIZE = '16m'
/** Data starts at a whole MiB, so that stripes and flash pages are not cut. */
const DATA_ALIGNMENT = '1m'

export const addTags = (tags: readonly string[]): string[] =>
  tags.flatMap((tag) => ['--addtag', checkTag(tag)])

const physicalVolumeOptions = ['--metadatasize', METADATA_SIZE, '--dataalignment', DATA_ALIGNMENT]

/** One volume by its UUID: with a name alone a volume made in its place would be hit. */
interface ExistingVolume {
  readonly groupName: string
  readonly uuid: string
}

const onlyThat = (volume: ExistingVolume): string[] => ['--select', `lv_uuid=${checkUuid(volume.uuid)}`]

/**
 * vgcreate(8) from disks that carry nothing. Never with `-y` or `-f`: with stdin closed LVM itself then refuses a
 * disk on which it sees a signature. Not activated at boot: no host shall open a tenant's bytes by itself.
 */
export const createGroupCommand = (group: {
  name: string
  devices: readonly string[]
  tags: readonly string[]
}): LvmCommand => ({
  name: 'vgcreate',
  effect: 'change',
  step: 'create-group',
  options: [...physicalVolumeOptions, '--setautoactivation', 'n', ...addTags(group.tags)],
  operands: [checkGroupName(group.name), ...group.devices.map(checkDevicePath)],
})

/** vgextend(8) by disks that carry nothing; the rules of createGroupCommand. */
export const extendGroupCommand = (group: { name: string; devices: readonly string[] }): LvmCommand => ({
  name: 'vgextend',
  effect: 'change',
  step: 'extend-group',
  options: physicalVolumeOptions,
  operands: [checkGroupName(group.name), ...group.devices.map(checkDevicePath)],
})

/** lvraid(7): what each layout is asked for with. RAID volumes know no setting of their own for autoactivation: the group has it. */
const layoutOptions = (layout: PlacedLayout): string[] => {
  const stripes = 'stripes' in layout ? ['--stripes', `${layout.stripes}`] : []
  const stripeSize = 'stripes' in layout ? ['--stripesize', `${layout.stripeSizeBytes}b`] : []
  switch (layout.name) {
    case 'linear':
      return ['--setautoactivation', 'n', '--type', 'linear']
    case 'striped':
      return ['--setautoactivation', 'n', '--type', 'striped', ...stripes, ...stripeSize]
    case 'raid1':
      return ['--type', 'raid1', '--mirrors', `${layout.mirrors}`]
    case 'raid5':
    case 'raid6':
      return ['--type', layout.name, ...stripes, ...stripeSize]
    case 'raid10':
      return ['--type', 'raid10', '--mirrors', '1', ...stripes, ...stripeSize]
  }
}

/** lvm(8) reads a colon as the start of a range of extents, and an at sign as that of a tag, unless a backslash is before it. */
export const placeOperand = ({ path, run }: Placement): string => {
  const disk = checkDevicePath(path).replaceAll(/[:@]/g, '\\$&')
  return run === undefined ? disk : `${disk}:${run.first}-${run.first + run.count - 1n}`
}

/**
 * lvcreate(8) of an inactive volume with all its tags in the one commit. `-Zn -Wn` because LVM 2.03.16 with
 * `-an -Zy` makes nothing and returns 0; the space was blank or erased before, and is looked at before first use.
 * `places` are the only ones where it may lie; with none named, LVM chooses.
 */
export const createVolumeCommand = (volume: {
  groupName: string
  name: string
  extents: bigint
  layout: PlacedLayout
  places: readonly Placement[]
  tags: readonly string[]
}): LvmCommand => ({
  name: 'lvcreate',
  effect: 'change',
  step: 'create-volume',
  // LVM activates the metadata of a RAID volume's legs to clear them
  onlyMetadata: volume.layout.name === 'linear' || volume.layout.name === 'striped',
  options: [
    ...['--activate', 'n', '--zero', 'n', '--wipesignatures', 'n', ...layoutOptions(volume.layout)],
    ...['--extents', volume.extents.toString(), '--name', checkVolumeName(volume.name)],
    ...addTags(volume.tags),
  ],
  operands: [checkGroupName(volume.groupName), ...volume.places.map(placeOperand)],
})

/**
 * lvextend(8) of a volume to so many extents; repeated, it changes nothing, and it never makes a volume smaller. An active one shows its
 * new size at once. It takes a name only: what it did is read back by the UUID. `--alloc cling`: the legs of a RAID
 * volume grow on the disks where they are, or not at all.
 */
export const extendVolumeCommand = (volume: {
  readonly groupName: string
  readonly name: string
  readonly extents: bigint
  readonly shape: VolumeShape | { readonly name: 'thin' }
  readonly places: readonly Placement[]
}): LvmCommand => ({
  name: 'lvextend',
  effect: 'change',
  step: 'extend-volume',
  options: [
    ...('stripes' in volume.shape
      ? ['--stripes', `${volume.shape.stripes}`, '--stripesize', `${volume.shape.stripeSizeBytes}b`]
      : []),
    ...('legDisks' in volume.shape ? ['--alloc', 'cling'] : []),
    ...['--extents', volume.extents.toString()],
  ],
  operands: [
    `${checkGroupName(volume.groupName)}/${checkVolumeName(volume.name)}`,
    ...volume.places.map(placeOperand),
  ],
})

/** Number and size of the stripes of each segment of a volume, one row for each. */
export const stripesCommand = (volume: ExistingVolume): LvmCommand => ({
  name: 'lvs',
  effect: 'read',
  options: [
    ...['--reportformat', 'json', '--units', 'b', '--nosuffix'],
    ...['--segments', '--options', 'segtype,stripes,stripe_size', ...onlyThat(volume)],
  ],
  operands: [checkGroupName(volume.groupName)],
})

/** vgchange(8) that gives a group one more tag. */
export const tagGroupCommand = (group: { groupName: string; tag: string }): LvmCommand => ({
  name: 'vgchange',
  effect: 'change',
  step: 'tag-group',
  options: addTags([group.tag]),
  operands: [checkGroupName(group.groupName)],
})

/** lvchange(8) -ay or -an. No match is no error for LVM: read back from the kernel. */
export const activateVolumeCommand = (volume: ExistingVolume, activate: 'y' | 'n'): LvmCommand => ({
  name: 'lvchange',
  effect: 'change',
  step: activate === 'y' ? 'activate-volume' : 'deactivate-volume',
  options: ['--activate', activate, ...onlyThat(volume)],
  operands: [checkGroupName(volume.groupName)],
})

/** lvchange(8) that gives a tag, and takes another one away in the same commit. */
export const replaceTagCommand = (
  volume: ExistingVolume,
  tags: { readonly from: string | undefined; readonly to: string },
): LvmCommand => ({
  name: 'lvchange',
  effect: 'change',
  step: 'tag-volume',
  onlyMetadata: true,
  options: [
    ...(tags.from === undefined ? [] : ['--deltag', checkTag(tags.from)]),
    ...addTags([tags.to]),
    ...onlyThat(volume),
  ],
  operands: [checkGroupName(volume.groupName)],
})

/** lvremove(8), without `-f` or `-y`: LVM then refuses a volume that is active. From a pool the kernel removes it. */
export const removeVolumeCommand = (
  volume: ExistingVolume & { readonly poolName: string | undefined },
): LvmCommand => ({
  name: 'lvremove',
  effect: 'change',
  step: 'remove-volume',
  onlyMetadata: volume.poolName === undefined,
  options: onlyThat(volume),
  operands: [checkGroupName(volume.groupName)],
})

/**
 * lvchange(8) --refresh of an active RAID volume: its legs lead to the disks as they are now, and one that was away is
 * brought up to date by the kernel (lvmraid(7), "Refreshing an LV").
 */
export const refreshVolumeCommand = (volume: ExistingVolume): LvmCommand => ({
  name: 'lvchange',
  effect: 'change',
  step: 'refresh-volume',
  options: ['--refresh', ...onlyThat(volume)],
  operands: [checkGroupName(volume.groupName)],
})

/**
 * pvchange(8) -xn or -xy of one disk by its UUID, in one commit with a tag that says that it was Loam that closed it.
 * No match is no error for LVM: read back.
 */
export const setAllocatableCommand = (
  physicalVolumeUuid: string,
  allocatable: boolean,
  tag: string,
): LvmCommand => ({
  name: 'pvchange',
  effect: 'change',
  step: allocatable ? 'open-disk' : 'close-disk',
  options: [
    ...['--allocatable', allocatable ? 'y' : 'n', allocatable ? '--deltag' : '--addtag', checkTag(tag)],
    ...['--select', `pv_uuid=${checkUuid(physicalVolumeUuid)}`],
  ],
  operands: [],
})

/** pvresize(8) to all of a device that has grown. Without a size LVM takes that of the device. */
export const resizeDiskCommand = (path: string): LvmCommand => ({
  name: 'pvresize',
  effect: 'change',
  step: 'resize-disk',
  options: [],
  operands: [checkDevicePath(path)],
})

/** vgmknodes(8): makes device nodes that are missing, for instance after a link was removed by hand. */
export const makeNodesCommand = (groupName: string): LvmCommand => ({
  name: 'vgmknodes',
  effect: 'change',
  step: 'make-nodes',
  options: [],
  operands: [checkGroupName(groupName)],
})

/** vgcfgbackup(8) of a group's metadata into a file. LVM holds the group's lock for reading until it is written. */
export const copyMetadataCommand = (group: { groupName: string; file: string }): LvmCommand => ({
  name: 'vgcfgbackup',
  effect: 'read',
  options: ['--file', group.file],
  operands: [checkGroupName(group.groupName)],
})

/** Names of all groups among the devices that are shown. */
export const groupNamesCommand: LvmCommand = {
  name: 'vgs',
  effect: 'read',
  options: ['--reportformat', 'json', '--options', 'vg_name,vg_uuid'],
  operands: [],
}

/** The hidden volumes of which a RAID volume is made, with the extents of each; other volumes have none. */
export const legsCommand = (volume: { groupName: string; name: string }): LvmCommand => ({
  name: 'lvs',
  effect: 'read',
  options: [
    ...['--all', '--reportformat', 'json', '--options', 'lv_name,seg_pe_ranges'],
    ...['--select', `lv_parent=${checkVolumeName(volume.name)}`],
  ],
  operands: [checkGroupName(volume.groupName)],
})

export const versionCommand: LvmCommand = { name: 'version', effect: 'read', options: [], operands: [] }

/** The filter that lvm.conf gives: shows which lvm.conf was read. */
export const configuredFilterCommand: LvmCommand = {
  name: 'lvmconfig',
  effect: 'read',
  options: ['--typeconfig', 'current'],
  operands: ['devices/global_filter'],
}
