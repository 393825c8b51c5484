import { CLOSED_TAG, finding, found, type DiskContext, type Rule } from './disk-rule.ts'
import type { DeviceLook } from './disk-look.ts'
import type { RecordedDisk } from './types.ts'

/** What LVM takes for itself at the start of our disks, and a little more than one extent may be left at the end. */
const LVM_OWN_BYTES = 17n * 1024n * 1024n

/** Kinds of block device whose content does not stay, or is not this machine's alone. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/^sr\d/, 'an optical drive'],
  [/^fd\d/, 'a floppy drive'],
  [/^(ram|zram)\d/, 'memory, which is empty after a restart'],
  [/^(nbd|rbd)\d/, 'a network block device, whose disk may be attached elsewhere too'],
  [/^drbd\d/, 'a DRBD device'],
  [/^mtdblock\d/, 'raw flash memory'],
  [/^mmcblk\d+(boot\d|rpmb)/, 'a boot area of a memory card'],
]

/** Files behind loop devices that are not ours: kubelet's own, devices, and files that are gone already. */
const FOREIGN_BACKING = /^\/dev\/|kubernetes\.io|\(deleted\)$/

const describeRecorded = ({ id, sizeBytes, physicalVolumeUuid }: RecordedDisk): string =>
  `${id === '' ? 'a disk' : `disk "${id}"`} of ${sizeBytes} bytes with PhysicalVolume ${physicalVolumeUuid}`

/** Whether another disk than the recorded one is there; a missing label is not this rule's matter. */
const isAnother = ({ device }: DeviceLook, { recorded, labelUuid }: DiskContext): boolean => {
  if (recorded === undefined) return false
  if (recorded.id !== '' && recorded.id !== device.id) return true
  if (labelUuid !== undefined) return labelUuid !== recorded.physicalVolumeUuid
  return recorded.id === '' && recorded.sizeBytes !== device.sizeBytes
}

const hasShrunk = ({ device }: DeviceLook, { recorded, membership }: DiskContext): boolean =>
  (membership?.kind === 'member' && device.sizeBytes < membership.physicalVolume.sizeBytes) ||
  (recorded !== undefined && device.sizeBytes < recorded.sizeBytes)

/** Bytes of a device behind what LVM uses of it, when they are at least one extent; else 0. */
export const grownBytes = (deviceBytes: bigint, usedBytes: bigint, extentSizeBytes: bigint): bigint => {
  const behind = deviceBytes - usedBytes - LVM_OWN_BYTES
  return behind >= extentSizeBytes ? behind : 0n
}

const hasGrown = ({ device }: DeviceLook, { membership }: DiskContext): boolean =>
  membership?.kind === 'member' &&
  grownBytes(device.sizeBytes, membership.physicalVolume.sizeBytes, membership.extentSizeBytes) > 0n

/** Which disk it is: the one that is meant, and perhaps a part of the group already. */
export const IDENTITY_RULES: readonly Rule[] = [
  {
    reason: 'SameDeviceTwice',
    state: 'Refused',
    meaning: 'an earlier path of the list leads to the same device',
    toDo: 'list it once',
    applies: (_look, { sameDeviceAs }) =>
      found(sameDeviceAs !== undefined, `is the same device as ${sameDeviceAs}`, 'list each disk once'),
  },
  {
    reason: 'LogicalVolume',
    state: 'Refused',
    meaning: 'a logical volume of LVM',
    toDo: 'list the disk below it, or another',
    applies: ({ device }) =>
      found(
        device.mapperUuid.startsWith('LVM-'),
        'is a logical volume',
        'list the disk below it, or another one',
      ),
  },
  {
    reason: 'UnsupportedDevice',
    state: 'Refused',
    meaning: 'an optical or floppy drive, memory, a network block device, DRBD, or boot flash',
    toDo: 'list a disk of this machine',
    applies: ({ device }) => {
      const kind = UNSUPPORTED.find(([pattern]) => pattern.test(device.kernelName))
      return kind === undefined ? undefined : finding(`is ${kind[1]}`, 'list a disk of this machine')
    },
  },
  {
    reason: 'LoopDeviceInUse',
    state: 'Refused',
    meaning: 'a loop device of kubelet, over another device, or over a file that was deleted',
    toDo: 'list the disk itself',
    applies: ({ device }) =>
      found(
        FOREIGN_BACKING.test(device.backingFile),
        `is a loop device that shows ${device.backingFile}`,
        'list the disk itself',
      ),
  },
  {
    reason: 'Suspended',
    state: 'Refused',
    meaning: 'a suspended device-mapper device: no byte of it can be read',
    toDo: '`dmsetup resume`, or another disk',
    applies: ({ device }) =>
      found(
        device.suspended,
        'is suspended in device-mapper: no byte of it can be read',
        'resume it ("dmsetup resume"), or list another disk',
      ),
  },
  {
    reason: 'OtherDisk',
    state: 'Refused',
    meaning: 'the path leads to another disk than the one that was accepted under it',
    toDo: 'attach the disk that is written down in `status.disks[].accepted`; if it was replaced, list the new one by its own `/dev/disk/by-id` path',
    applies: (look, context) =>
      context.recorded !== undefined && isAnother(look, context)
        ? finding(
            `leads to another disk than before: now "${look.device.id}" of ${look.device.sizeBytes} bytes` +
              (context.labelUuid === undefined ? '' : ` with PhysicalVolume ${context.labelUuid}`),
            `accepted here was ${describeRecorded(context.recorded)}; attach that one, or list the new disk by a ` +
              'path of its own (/dev/disk/by-id/…)',
          )
        : undefined,
  },
  {
    reason: 'DuplicatePhysicalVolume',
    state: 'Refused',
    meaning: 'two devices carry the same LVM UUID: one is a copy or a second path',
    toDo: 'detach the copy',
    applies: (_look, { membership }) =>
      membership?.kind === 'duplicate'
        ? finding(
            `carries the same LVM UUID as ${membership.others.join(', ')}: one is a copy or a second path`,
            'detach the copy; neither is used until then',
          )
        : undefined,
  },
  {
    reason: 'MarkedMissing',
    state: 'Refused',
    meaning:
      'a disk of the group that came back after LVM wrote down, on the other disks, that it is missing',
    toDo: 'if its content is up to date: `vgextend --restoremissing`; the group is frozen until then',
    applies: ({ device }, { membership, groupName }) =>
      found(
        membership?.kind === 'markedMissing',
        `is part of volume group "${groupName}", which was changed by hand while it was away`,
        `if its content is up to date: "vgextend --restoremissing ${groupName} ${device.devicePath}"`,
      ),
  },
  {
    reason: 'Shrunk',
    state: 'Refused',
    meaning: 'a disk of the group is smaller than it was: the end of some volume is gone',
    toDo: 'give it its size back; the group is frozen until then',
    applies: (look, context) =>
      found(
        hasShrunk(look, context) && context.membership?.kind === 'member',
        `has ${look.device.sizeBytes} bytes, less than it had (${context.recorded?.sizeBytes ?? 'LVM uses more'})`,
        'give it its size back: the group is frozen until then, because ends of volumes may be cut off',
      ),
  },
  {
    reason: 'Closed',
    state: 'Accepted',
    meaning: 'a disk of the group that is not listed any more: its volumes stay, new ones do not come on it',
    toDo: 'list it again to open it; to take it out for good see [replacing disks](replacing-disks.md)',
    applies: (_look, { membership, groupName }) =>
      found(
        membership?.kind === 'member' && membership.physicalVolume.tags.includes(CLOSED_TAG),
        `is part of volume group "${groupName}", closed for new volumes because it is not listed`,
        'list it again to open it',
      ),
  },
  {
    reason: 'ClosedByHand',
    state: 'Accepted',
    meaning: 'a disk of the group that a person closed for allocation (`pvchange -xn`)',
    toDo: '`pvchange -xy` opens it; Loam leaves it as it is',
    applies: ({ device }, { membership, groupName }) =>
      found(
        membership?.kind === 'member' && !membership.physicalVolume.allocatable,
        `is part of volume group "${groupName}", closed for new volumes by hand`,
        `"pvchange --allocatable y ${device.devicePath}" opens it`,
      ),
  },
  {
    reason: 'Grown',
    state: 'Accepted',
    meaning: 'a disk of the group that is larger now than what LVM uses of it',
    toDo: 'to use all of it, set `spec.disks[].growTo` to its new size',
    applies: (look, context) =>
      found(
        hasGrown(look, context),
        `is part of volume group "${context.groupName}" and has grown to ${look.device.sizeBytes} bytes`,
        `to use all of it, set growTo: "${look.device.sizeBytes}" at this disk in spec.disks`,
      ),
  },
  {
    reason: 'Member',
    state: 'Accepted',
    meaning: "it is part of the class's volume group",
    toDo: '',
    applies: (_look, { membership, groupName }) =>
      found(membership?.kind === 'member', `is part of volume group "${groupName}"`, ''),
  },
  {
    reason: 'LabelLost',
    state: 'Refused',
    meaning: 'a disk of the group whose LVM label is gone',
    toDo: 'write nothing to it; bring the label back as in [replacing disks](replacing-disks.md); if it was taken out on purpose, take it off the list, then list it again',
    applies: ({ device }, { recorded, labelUuid }) =>
      recorded !== undefined && labelUuid === undefined
        ? finding(
            `was PhysicalVolume ${recorded.physicalVolumeUuid} of this group and carries no LVM label now`,
            `if it was wiped: "pvcreate --uuid ${recorded.physicalVolumeUuid} --restorefile COPY ${device.devicePath}", ` +
              'then vgcfgrestore; if it was taken out on purpose, take it off the list, and list it again',
          )
        : undefined,
  },
]
