import type { VolumeHandle } from '../../core/naming.ts'
import type { RecordedDisk } from '../../lvm/types.ts'
import type { EraseMethod, VolumeRecord } from '../../core/volume-tags.ts'

/** What the claim of a story asks for. */
export interface Claim {
  readonly uid: string
  readonly content: VolumeRecord['content']
  readonly erase: EraseMethod
  /** Linear when absent. */
  readonly layout?: 'thin'
}

/** A volume that the room has acknowledged. */
export interface AcknowledgedVolume {
  readonly handle: VolumeHandle
  readonly name: string
  /** In bytes, as text: it travels as JSON. */
  readonly sizeBytes: string
  /** Set once it was handed to its user. */
  readonly used?: { readonly fileSystemUuid: string }
}

/** All that the room has acknowledged so far: what a crash must not take back. JSON, because processes hand it on. */
export interface Facts {
  readonly groupUuid?: string
  readonly volume?: AcknowledgedVolume
  /** What was written down about the group's disks, sizes as text. */
  readonly recordedDisks?: readonly (Omit<RecordedDisk, 'sizeBytes'> & { readonly sizeBytes: string })[]
  /** The volume was reported as removed: none of its bytes may be left. */
  readonly removed?: true
}
