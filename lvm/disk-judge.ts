import type { BlockDevice } from './block-device.ts'
import type { DeviceLook, DiskLook } from './disk-look.ts'
import type { DiskContext, Finding, Rule } from './disk-rule.ts'
import { RULES } from './disk-rules.ts'
import { OUTSIDE_REASONS, type OutsideReason } from './outside-reasons.ts'
import type { DiskVerdict, RecordedDisk } from './types.ts'

/** Every reason that a verdict can have, but for those of a disk that a person let be erased. */
export const DISK_REASONS: readonly string[] = [
  ...Object.keys(OUTSIDE_REASONS),
  ...RULES.map((rule) => rule.reason),
]

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

const outside = (
  look: Parameters<typeof verdict>[0],
  reason: OutsideReason,
  what: string,
  advice = '',
): DiskVerdict => verdict(look, OUTSIDE_REASONS[reason].state, reason, { what, advice })

const decide = (
  look: DeviceLook,
  context: DiskContext,
  rules: readonly Rule[] = RULES,
): { readonly rule: Rule; readonly found: Finding } | undefined => {
  for (const rule of rules) {
    const found = rule.applies(look, context)
    if (found !== undefined) return { rule, found }
  }
  return undefined
}

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

/** Rules that no opt-in overrules: who uses the disk, whose it is, and which disk it is. */
const FIRM_RULES = RULES.filter((rule) => rule.yieldsToOptIn !== true && rule.reason !== 'Blank')

/**
 * Proof that a person named exactly this disk, by WWN or serial number, to be erased, and that its content is the only
 * thing that speaks against it: nobody uses it, it is part of no group, and it never was accepted here before. The
 * only thing that permits to erase a disk.
 */
export class OptedIn {
  readonly path: string
  readonly devicePath: string
  readonly deviceNumber: string
  readonly id: string
  readonly sizeBytes: bigint

  private constructor(device: BlockDevice) {
    this.path = device.path
    this.devicePath = device.devicePath
    this.deviceNumber = device.deviceNumber
    this.id = device.id
    this.sizeBytes = device.sizeBytes
  }

  static prove(look: DeviceLook, context: DiskContext): OptedIn | undefined {
    const { allowNonBlank, recorded, labelUuid } = context
    const isNamed = allowNonBlank !== undefined && allowNonBlank !== '' && allowNonBlank === look.device.id
    const isNew = recorded === undefined && labelUuid === undefined
    const speaksAgainst = decide(look, context)
    return isNamed &&
      isNew &&
      speaksAgainst?.rule.yieldsToOptIn === true &&
      decide(look, context, FIRM_RULES) === undefined
      ? new OptedIn(look.device)
      : undefined
  }
}

export interface Judgement {
  readonly verdict: DiskVerdict
  readonly blank: BlankDisk | undefined
  readonly optedIn: OptedIn | undefined
}

const memberOf = (look: DeviceLook, context: DiskContext): Partial<DiskVerdict> => {
  if (context.membership?.kind !== 'member') return {}
  const physicalVolumeUuid = context.membership.physicalVolume.uuid
  const { path, id, sizeBytes } = look.device
  return { physicalVolumeUuid, recorded: { path, id, sizeBytes, physicalVolumeUuid } }
}

const judgeDevice = (look: DeviceLook, context: DiskContext): DiskVerdict => {
  const decision = decide(look, context)
  if (decision === undefined) return outside(look, 'Unreadable', 'could not be judged')
  const { rule, found } = decision
  return {
    ...verdict(look, rule.state, rule.reason, found),
    ...(rule.state === 'Accepted' ? memberOf(look, context) : {}),
  }
}

const judgeOther = (look: Exclude<DiskLook, DeviceLook>): DiskVerdict => {
  switch (look.kind) {
    case 'notADevicePath':
      return outside(look, 'NotADevicePath', 'is not a path below /dev', '/dev/disk/by-id/… is best')
    case 'missing':
      return outside(
        look,
        'NotThere',
        `is not there (${look.detail})`,
        'attach it, or correct the path; links are made by udev',
      )
    case 'notABlockDevice':
      return outside(look, 'NotABlockDevice', 'is not a block device', 'list a disk or a partition')
    case 'unreadable':
      return outside(
        look,
        'Unreadable',
        `could not be read whole: ${look.detail}`,
        'check the disk and its cabling ("dmesg")',
      )
  }
}

/** What was written down stays written down, whatever is found under the path now. */
const keepRecord = (verdict: DiskVerdict, recorded: RecordedDisk | undefined): DiskVerdict =>
  verdict.recorded !== undefined || recorded === undefined ? verdict : { ...verdict, recorded }

/**
 * What becomes of a disk, why, and what a person can do about it. The context is that of the device; a path that
 * leads to none has only what was written down.
 */
export const judgeDisk = (
  look: DiskLook,
  context: DiskContext | undefined,
  recorded: RecordedDisk | undefined = context?.recorded,
): Judgement => {
  const nothing = { blank: undefined, optedIn: undefined }
  if (look.kind !== 'device') return { verdict: keepRecord(judgeOther(look), recorded), ...nothing }
  if (context === undefined)
    return { verdict: keepRecord(outside(look, 'Unreadable', 'could not be judged'), recorded), ...nothing }
  return {
    verdict: keepRecord(judgeDevice(look, context), recorded),
    blank: BlankDisk.prove(look, context),
    optedIn: OptedIn.prove(look, context),
  }
}

/** What is said of a disk while it is erased, or after that failed. */
export const erasingVerdict = (verdict: DiskVerdict, failure: string | undefined): DiskVerdict => {
  const { id, sizeBytes, devicePath } = verdict
  const said =
    failure === undefined
      ? outside(
          verdict,
          'Erasing',
          'is being erased, because allowNonBlank names it',
          'it is taken in afterwards',
        )
      : outside(verdict, 'EraseFailed', `could not be erased: ${failure}`, 'it is tried again')
  return { ...said, id, sizeBytes, devicePath }
}
