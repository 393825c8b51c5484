import { describeBytes } from '../core/quantity.ts'
import type { BlockDevice } from './block-device.ts'
import type { DeviceLook, DiskLook } from './disk-look.ts'
import { describeSignature } from './signature.ts'
import type { DiskVerdict } from './types.ts'

/** What LVM says about the PhysicalVolume on a disk. */
export type Membership =
  | { readonly kind: 'member' }
  | { readonly kind: 'otherGroup'; readonly groupName: string; readonly owner: string }
  | { readonly kind: 'noGroup' }
  | { readonly kind: 'duplicate'; readonly others: readonly string[] }
  | { readonly kind: 'unreadable'; readonly detail: string }

/** What the other disks of the list mean for this one. */
export interface DiskContext {
  readonly groupName: string
  /** Set when the disk carries an LVM label. */
  readonly membership: Membership | undefined
  /** An earlier path of the list that leads to the same device. */
  readonly sameDeviceAs: string | undefined
  /** Paths to other devices of the list with the same WWN or serial number. */
  readonly sameIdAs: readonly string[]
  /** Logical sector size of the group's disks, or of the first blank disk of the list. */
  readonly sectorBytes: number | undefined
}

/** 16 MiB of metadata, 1 MiB of alignment, and some room for data. */
export const MIN_DISK_BYTES = 64n * 1024n * 1024n

/** Kinds of block device whose content does not stay, or is not this machine's alone. */
const UNSUPPORTED: readonly (readonly [RegExp, string])[] = [
  [/^sr\d/, 'an optical drive'],
  [/^fd\d/, 'a floppy drive'],
  [/^(ram|zram)\d/, 'memory, which is empty after a restart'],
  [/^nbd\d/, 'a network block device, whose disk may be attached elsewhere too'],
  [/^drbd\d/, 'a DRBD device'],
]

interface Finding {
  readonly what: string
  readonly advice: string
}

interface Rule {
  /** Stable; docs/disks.md has a line for each. */
  readonly reason: string
  readonly state: DiskVerdict['state']
  /** What speaks for the rule, or undefined when it does not apply. */
  readonly applies: (look: DeviceLook, context: DiskContext) => Finding | undefined
}

const refuse = (reason: string, applies: Rule['applies']): Rule => ({ reason, state: 'Refused', applies })
const finding = (what: string, advice: string): Finding => ({ what, advice })

/** Words for a disk that holds something; the command is the admin's to type, never ours. */
const emptyIt = (device: BlockDevice): string =>
  `if nobody needs what is on it: "wipefs --all ${device.devicePath} && blkdiscard --zeroout ${device.devicePath}", ` +
  'which destroys it; else list another disk'

const ownedElsewhere = (look: DeviceLook, context: DiskContext): Finding | undefined =>
  context.membership?.kind === 'otherGroup'
    ? finding(
        `belongs to volume group "${context.membership.groupName}" (${context.membership.owner})`,
        `wanted here is group "${context.groupName}"; list the disk for its own group, or take it out of that group first`,
      )
    : undefined

/**
 * First match decides. The order is from the surest finding to the least sure: a disk is blank only when nothing
 * else was found.
 */
const RULES: readonly Rule[] = [
  refuse('SameDeviceTwice', (_look, { sameDeviceAs }) =>
    sameDeviceAs === undefined
      ? undefined
      : finding(`is the same device as ${sameDeviceAs}`, 'list each disk once'),
  ),
  refuse('LogicalVolume', ({ device }) =>
    device.mapperUuid.startsWith('LVM-')
      ? finding('is a logical volume', 'list the disk below it, or another one')
      : undefined,
  ),
  refuse('UnsupportedDevice', ({ device }) => {
    const kind = UNSUPPORTED.find(([pattern]) => pattern.test(device.kernelName))
    return kind === undefined ? undefined : finding(`is ${kind[1]}`, 'list a disk of this machine')
  }),
  refuse('DuplicatePhysicalVolume', (_look, { membership }) =>
    membership?.kind === 'duplicate'
      ? finding(
          `carries the same LVM UUID as ${membership.others.join(', ')}: one is a copy or a second path`,
          'detach the copy; neither is used until then',
        )
      : undefined,
  ),
  {
    reason: 'Member',
    state: 'Accepted',
    applies: (_look, { membership, groupName }) =>
      membership?.kind === 'member' ? finding(`is part of volume group "${groupName}"`, '') : undefined,
  },
  refuse('Mounted', ({ mountPoints }) =>
    mountPoints.length === 0
      ? undefined
      : finding(`is mounted at ${mountPoints.slice(0, 3).join(', ')}`, 'it is in use: list another disk'),
  ),
  refuse('Swap', ({ swap }) => (swap ? finding('is in use as swap space', 'list another disk') : undefined)),
  refuse('HasPartitions', ({ device }) =>
    device.partitions.length === 0
      ? undefined
      : finding(
          `has ${device.partitions.length} partition(s)`,
          'list an unused partition by its own path, or another disk',
        ),
  ),
  refuse('OtherGroup', ownedElsewhere),
  refuse('Held', ({ device }) =>
    device.holders.length === 0
      ? undefined
      : finding(`is held by ${device.holders.join(', ')}`, 'list the device on top of it, or another disk'),
  ),
  refuse('ReadOnly', ({ device }) =>
    device.readOnly
      ? finding('is read-only', 'make it writable ("blockdev --setrw"), or list another')
      : undefined,
  ),
  refuse('Removable', ({ device }) =>
    device.removable ? finding('is removable', 'list a disk that stays') : undefined,
  ),
  refuse('TooSmall', ({ device }) =>
    device.sizeBytes < MIN_DISK_BYTES
      ? finding(
          `has ${describeBytes(device.sizeBytes)}`,
          `at least ${describeBytes(MIN_DISK_BYTES)} are needed, of which 17 MiB are for LVM itself`,
        )
      : undefined,
  ),
  refuse('OrphanPhysicalVolume', ({ device }, { membership }) =>
    membership?.kind === 'noGroup'
      ? finding(
          'is an LVM PhysicalVolume without a group',
          `if nobody needs it: "pvremove ${device.devicePath}", then "blkdiscard --zeroout ${device.devicePath}"`,
        )
      : undefined,
  ),
  refuse('UnreadablePhysicalVolume', (_look, { membership }) =>
    membership?.kind === 'unreadable'
      ? finding(
          `carries an LVM label that LVM cannot read (${membership.detail})`,
          'it may be damaged, or a part of a group: find out with "pvs --all" before anything else',
        )
      : undefined,
  ),
  refuse('Signature', ({ device, content }) =>
    content.kind === 'signature'
      ? finding(`carries ${describeSignature(content.signature)}`, emptyIt(device))
      : undefined,
  ),
  refuse('PartitionTable', ({ device, content }) =>
    content.kind === 'table'
      ? finding(`carries a ${content.table} partition table`, emptyIt(device))
      : undefined,
  ),
  refuse('InUse', ({ unclaimed }) =>
    unclaimed ? undefined : finding('is claimed by another program or kernel driver', 'list another disk'),
  ),
  refuse('NotBlank', ({ device, content }) =>
    content.kind === 'data'
      ? finding(`is not blank: byte ${content.firstNonZeroAt} is not zero`, emptyIt(device))
      : undefined,
  ),
  refuse('SharedId', ({ device }, { sameIdAs }) =>
    sameIdAs.length === 0
      ? undefined
      : finding(
          `has the same WWN or serial number "${device.id}" as ${sameIdAs.join(', ')}: two paths to one disk?`,
          'list the multipath device instead; neither is used',
        ),
  ),
  refuse('SectorSize', ({ device }, { sectorBytes }) =>
    sectorBytes === undefined || device.sectorBytes === sectorBytes
      ? undefined
      : finding(
          `has sectors of ${device.sectorBytes} bytes, the group's other disks of ${sectorBytes}`,
          'list disks of one sector size for one group',
        ),
  ),
  {
    reason: 'Blank',
    state: 'Accepted',
    applies: ({ content }) => (content.kind === 'zeros' ? finding('is blank and unused', '') : undefined),
  },
]

/** Reasons of disks that are not there, or are no disks. */
const OUTSIDE_REASONS = ['NotADevicePath', 'NotThere', 'NotABlockDevice', 'Unreadable'] as const
export const DISK_REASONS: readonly string[] = [...OUTSIDE_REASONS, ...RULES.map((rule) => rule.reason)]

const verdict = (
  look: { readonly path: string; readonly device?: BlockDevice; readonly devicePath?: string },
  state: DiskVerdict['state'],
  reason: string,
  { what, advice }: Finding,
): DiskVerdict => ({
  path: look.path,
  state,
  reason,
  id: look.device?.id ?? '',
  sizeBytes: look.device?.sizeBytes ?? 0n,
  devicePath: look.device?.devicePath ?? look.devicePath ?? '',
  message: `${look.path} ${what}${advice === '' ? '' : `; ${advice}`}`,
})

const refused = (look: Parameters<typeof verdict>[0], reason: string, found: Finding): DiskVerdict =>
  verdict(look, 'Refused', reason, found)

const physicalVolumeUuidOf = (look: DeviceLook): { physicalVolumeUuid?: string } =>
  look.content.kind === 'signature' && look.content.signature.kind === 'found'
    ? { physicalVolumeUuid: look.content.signature.uuid }
    : {}

/**
 * Proof that a disk was looked at and that nothing was found on it, and the only thing from which a volume group is
 * made or extended.
 */
export class BlankDisk {
  readonly path: string
  readonly deviceNumber: string
  readonly sizeBytes: bigint

  private constructor(device: BlockDevice) {
    this.path = device.path
    this.deviceNumber = device.deviceNumber
    this.sizeBytes = device.sizeBytes
  }

  /** Undefined unless the rule that decides about this look is `Blank`. */
  static prove(look: DeviceLook, context: DiskContext): BlankDisk | undefined {
    return decide(look, context)?.rule.reason === 'Blank' ? new BlankDisk(look.device) : undefined
  }
}

export interface Judgement {
  readonly verdict: DiskVerdict
  readonly blank: BlankDisk | undefined
}

const decide = (
  look: DeviceLook,
  context: DiskContext,
): { readonly rule: Rule; readonly found: Finding } | undefined => {
  for (const rule of RULES) {
    const found = rule.applies(look, context)
    if (found !== undefined) return { rule, found }
  }
  return undefined
}

const judgeDevice = (look: DeviceLook, context: DiskContext): DiskVerdict => {
  const decision = decide(look, context)
  if (decision === undefined) return refused(look, 'Unreadable', finding('could not be judged', ''))
  const { rule, found } = decision
  return {
    ...verdict(look, rule.state, rule.reason, found),
    ...(rule.reason === 'Member' ? physicalVolumeUuidOf(look) : {}),
  }
}

const judgeOther = (look: Exclude<DiskLook, DeviceLook>): DiskVerdict => {
  switch (look.kind) {
    case 'notADevicePath':
      return refused(look, 'NotADevicePath', finding('is not a path below /dev', '/dev/disk/by-id/… is best'))
    case 'missing':
      return verdict(
        look,
        'Missing',
        'NotThere',
        finding(`is not there (${look.detail})`, 'attach it, or correct the path; links are made by udev'),
      )
    case 'notABlockDevice':
      return refused(look, 'NotABlockDevice', finding('is not a block device', 'list a disk or a partition'))
    case 'unreadable':
      return refused(
        look,
        'Unreadable',
        finding(`could not be read whole: ${look.detail}`, 'check the disk and its cabling ("dmesg")'),
      )
  }
}

/**
 * What becomes of a listed disk, why, and what a person can do about it. The context is that of the device; a path
 * that leads to none has none.
 */
export const judgeDisk = (look: DiskLook, context: DiskContext | undefined): Judgement => {
  if (look.kind !== 'device') return { verdict: judgeOther(look), blank: undefined }
  if (context === undefined)
    return { verdict: refused(look, 'Unreadable', finding('could not be judged', '')), blank: undefined }
  return { verdict: judgeDevice(look, context), blank: BlankDisk.prove(look, context) }
}
