import type { DeviceLook } from './disk-look.ts'
import type { DiskVerdict, PhysicalVolume, RecordedDisk } from './types.ts'

/** What LVM says about the PhysicalVolume on a disk. */
export type Membership =
  | { readonly kind: 'member'; readonly physicalVolume: PhysicalVolume; readonly extentSizeBytes: bigint }
  | { readonly kind: 'otherGroup'; readonly groupName: string; readonly owner: string }
  /** LVM wrote down that it was missing when others changed: what is on it may be out of date. */
  | { readonly kind: 'markedMissing' }
  | { readonly kind: 'noGroup' }
  | { readonly kind: 'duplicate'; readonly others: readonly string[] }
  | { readonly kind: 'unreadable'; readonly detail: string }

/** What the lists, the other disks and what was written down mean for a disk. */
export interface DiskContext {
  readonly groupName: string
  /** Set when the disk carries an LVM label. */
  readonly membership: Membership | undefined
  /** UUID in that label. */
  readonly labelUuid: string | undefined
  /** An earlier path of the list that leads to the same device. */
  readonly sameDeviceAs: string | undefined
  /** Other disks of this machine with the same WWN or serial number. */
  readonly sameIdAs: readonly string[]
  /** Other groups for which the same device is listed. */
  readonly listedFor: readonly string[]
  /** Logical sector size of the group's disks, or of the first blank disk of the list. */
  readonly sectorBytes: number | undefined
  /** The disk that was accepted under this path before. */
  readonly recorded: RecordedDisk | undefined
  /** The WWN or serial number that a person named for this path. */
  readonly allowNonBlank: string | undefined
}

export interface Finding {
  readonly what: string
  readonly advice: string
}

export interface Rule {
  /** Stable: shown in status and in events. */
  readonly reason: string
  readonly state: DiskVerdict['state']
  /** For docs/disks.md, which is made from this table. */
  readonly meaning: string
  readonly toDo: string
  /** True for findings about content alone, which a person may overrule by naming the disk. */
  readonly yieldsToOptIn?: true
  /** What speaks for the rule, or undefined when it does not apply. */
  readonly applies: (look: DeviceLook, context: DiskContext) => Finding | undefined
}

export const finding = (what: string, advice: string): Finding => ({ what, advice })
export const found = (speaks: boolean, what: string, advice: string): Finding | undefined =>
  speaks ? { what, advice } : undefined

/** A few of many. */
export const joinNames = (names: readonly string[]): string => names.slice(0, 3).join(', ')

/** Tag of a PhysicalVolume that Loam closed for allocation; one that a person closed has none. */
export const CLOSED_TAG = 'loam.closed'
