import type { DiskVerdict } from './types.ts'

interface OutsideReasonText {
  readonly state: DiskVerdict['state']
  readonly meaning: string
  readonly toDo: string
}

/** Reasons that no rule gives: of disks that are not there or are no disks, and of those that are being erased. */
export const OUTSIDE_REASONS = {
  NotThere: {
    state: 'Missing',
    meaning: 'nothing at this path',
    toDo: 'attach the disk, or correct the path',
  },
  NotADevicePath: {
    state: 'Refused',
    meaning: 'the path is not below `/dev`, or has signs that no device name has',
    toDo: 'list a device path',
  },
  NotABlockDevice: {
    state: 'Refused',
    meaning: 'a file, a directory or a character device',
    toDo: 'list a disk or a partition',
  },
  Unreadable: {
    state: 'Refused',
    meaning: 'an error while reading, or no answer in time',
    toDo: 'check the disk and its cabling (`dmesg`)',
  },
  Erasing: {
    state: 'Refused',
    meaning: 'it is being erased, because `allowNonBlank` names it',
    toDo: 'wait; it is taken in when all of it is zero',
  },
  EraseFailed: {
    state: 'Refused',
    meaning: '`allowNonBlank` names it, and erasing it failed',
    toDo: 'check the disk (`dmesg`); it is tried again at the next look',
  },
} as const satisfies Record<string, OutsideReasonText>

export type OutsideReason = keyof typeof OUTSIDE_REASONS
