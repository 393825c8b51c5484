import { describeBytes } from '../core/quantity.ts'
import { finding, found, joinNames, type Rule } from './disk-rule.ts'
import { reservedFor } from './reserved-partition.ts'

/** 16 MiB of metadata, 1 MiB of alignment, and some room for data. */
export const MIN_DISK_BYTES = 64n * 1024n * 1024n

/** Who uses the disk, or is to use it. */
export const USE_RULES: readonly Rule[] = [
  {
    reason: 'Mounted',
    state: 'Refused',
    meaning: 'it, or a partition of it, is mounted',
    toDo: 'list another disk',
    applies: ({ mountPoints }) =>
      found(
        mountPoints.length > 0,
        `is mounted at ${joinNames(mountPoints)}`,
        'it is in use: list another disk',
      ),
  },
  {
    reason: 'Swap',
    state: 'Refused',
    meaning: 'it is in use as swap space',
    toDo: 'list another disk',
    applies: ({ swap }) => found(swap, 'is in use as swap space', 'list another disk'),
  },
  {
    reason: 'HasPartitions',
    state: 'Refused',
    meaning: 'it has partitions: the disk that the machine boots from, for instance',
    toDo: 'list an unused partition by its own path, or another disk',
    applies: ({ device }) =>
      found(
        device.partitions.length > 0,
        `has ${device.partitions.length} partition(s)`,
        'list an unused partition by its own path, or another disk',
      ),
  },
  {
    reason: 'OtherGroup',
    state: 'Refused',
    meaning: 'it belongs to another volume group',
    toDo: 'list it for that group, or take it out of it first',
    applies: (_look, { membership, groupName }) =>
      membership?.kind === 'otherGroup'
        ? finding(
            `belongs to volume group "${membership.groupName}" (${membership.owner})`,
            `wanted here is group "${groupName}"; list the disk for its own group, or take it out of that group first`,
          )
        : undefined,
  },
  {
    reason: 'MultipathMember',
    state: 'Refused',
    meaning: 'one of several paths to a disk that multipathd has put together',
    toDo: 'list `/dev/mapper/…`, the multipath device',
    applies: ({ device }) =>
      found(
        device.multipathHolders.length > 0,
        `is one path to multipath device "${joinNames(device.multipathHolders)}"`,
        `list /dev/mapper/${device.multipathHolders[0] ?? ''} instead`,
      ),
  },
  {
    reason: 'Held',
    state: 'Refused',
    meaning: 'device-mapper, md, bcache or another device stands on it',
    toDo: 'list the device on top, or another disk',
    applies: ({ device }) =>
      found(
        device.holders.length > 0,
        `is held by ${joinNames(device.holders)}`,
        'list the device on top of it, or another disk',
      ),
  },
  {
    reason: 'ReadOnly',
    state: 'Refused',
    meaning: 'the kernel does not let anybody write',
    toDo: '`blockdev --setrw`, or another disk',
    applies: ({ device }) =>
      found(device.readOnly, 'is read-only', 'make it writable ("blockdev --setrw"), or list another'),
  },
  {
    reason: 'Removable',
    state: 'Refused',
    meaning: 'a card reader or USB stick',
    toDo: 'list a disk that stays',
    applies: ({ device }) => found(device.removable, 'is removable', 'list a disk that stays'),
  },
  {
    reason: 'TooSmall',
    state: 'Refused',
    meaning: 'less than 64 MiB, or no medium in the drive',
    toDo: 'list a larger disk',
    applies: ({ device }) =>
      found(
        device.sizeBytes < MIN_DISK_BYTES,
        `has ${describeBytes(device.sizeBytes)}`,
        `at least ${describeBytes(MIN_DISK_BYTES)} are needed, of which 17 MiB are for LVM itself`,
      ),
  },
  {
    reason: 'ReservedPartition',
    state: 'Refused',
    meaning: 'a partition for booting, or reserved, by its type or its name',
    toDo: 'list another partition or disk',
    applies: ({ partition }) => {
      const use = partition === undefined ? undefined : reservedFor(partition)
      return use === undefined ? undefined : finding(`is ${use}`, 'list another partition or disk')
    },
  },
  {
    reason: 'OrphanPhysicalVolume',
    state: 'Refused',
    meaning: "LVM's label without a group (also after a crash while a group was made)",
    toDo: '`pvremove`, then `blkdiscard --zeroout`',
    applies: ({ device }, { membership }) =>
      found(
        membership?.kind === 'noGroup',
        'is an LVM PhysicalVolume without a group',
        `if nobody needs it: "pvremove ${device.devicePath}", then "blkdiscard --zeroout ${device.devicePath}"`,
      ),
  },
  {
    reason: 'UnreadablePhysicalVolume',
    state: 'Refused',
    meaning: "LVM's label, but LVM cannot read its metadata",
    toDo: 'find out with `pvs --all` before anything else',
    applies: (_look, { membership }) =>
      membership?.kind === 'unreadable'
        ? finding(
            `carries an LVM label that LVM cannot read (${membership.detail})`,
            'it may be damaged, or a part of a group: find out with "pvs --all" before anything else',
          )
        : undefined,
  },
  {
    reason: 'InTwoGroups',
    state: 'Refused',
    meaning: 'it is listed for another volume group, too',
    toDo: 'list it for one group',
    applies: (_look, { listedFor, groupName }) =>
      found(
        listedFor.length > 0,
        `is listed for volume group "${joinNames(listedFor)}", too`,
        `list it for that group or for "${groupName}", not for both`,
      ),
  },
  {
    reason: 'SharedId',
    state: 'Refused',
    meaning: 'another disk of this machine has the same WWN or serial number: two paths to one disk?',
    toDo: 'list the multipath device',
    applies: ({ device }, { sameIdAs }) =>
      found(
        sameIdAs.length > 0,
        `has the same WWN or serial number "${device.id}" as ${joinNames(sameIdAs)}: two paths to one disk?`,
        'list the multipath device instead; neither is used',
      ),
  },
]
