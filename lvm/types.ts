import type { Layout } from '../core/layout.ts'
import type { ExtentRun } from '../core/layout-size.ts'
import type { VolumeHandle } from '../core/naming.ts'
import type { EraseMethod, FileSystem, VolumeRecord } from '../core/volume-tags.ts'

/** One LVM volume group as last read from LVM itself. */
export interface VolumeGroup {
  readonly name: string
  readonly uuid: string
  readonly sizeBytes: bigint
  /**
   * Free extents times extent size, those on closed disks included: what may be given out is the sum over the
   * allocatable disks, and nothing while `missingPhysicalVolumes` is above zero.
   */
  readonly freeBytes: bigint
  readonly extentSizeBytes: bigint
  /** Version of the metadata; LVM counts it up at each change. */
  readonly seqno: number
  readonly tags: readonly string[]
  readonly missingPhysicalVolumes: number
  readonly physicalVolumes: readonly PhysicalVolume[]
}

/** Where a group's metadata stands: its number, and a digest of its volumes and tags. */
export interface GroupMark {
  readonly seqno: number
  readonly digest: string
}

export interface PhysicalVolume {
  readonly uuid: string
  /** Kernel name at the time of the report; identity is `uuid`. */
  readonly devicePath: string
  readonly sizeBytes: bigint
  readonly freeBytes: bigint
  /** Its free extents, run by run. */
  readonly freeRuns: readonly ExtentRun[]
  /** Where the first extent begins on the device. */
  readonly firstExtentAtBytes: bigint
  readonly missing: boolean
  /** False for a disk that is closed for allocation (`pvchange -xn`): its free extents are given to no volume. */
  readonly allocatable: boolean
  readonly tags: readonly string[]
}

export interface LogicalVolume {
  readonly handle: VolumeHandle
  readonly groupName: string
  readonly name: string
  readonly sizeBytes: bigint
  readonly tags: readonly string[]
  /** The record in the tags; undefined when it cannot be read whole: then the volume is not ours to touch. */
  readonly record: VolumeRecord | undefined
  readonly active: boolean
  /**
   * Open on this host: mounted, or held by a process or another device. As LVM said when the group's metadata or active
   * volumes last changed; when the last change was our own, every active volume counts as open. removeVolume asks anew.
   */
  readonly open: boolean
  /** LVM's segment type: linear, striped, raid1, thin … */
  readonly segmentType: string
  /** What LVM finds wrong with it (lvs(8), lv_health_status): `partial`, `refresh needed` …; empty when nothing. */
  readonly health: string
  /** How much of a RAID volume is in sync; undefined while it is inactive, and for other layouts. */
  readonly syncPercent: number | undefined
  /** Name of the thin pool that it takes space from; absent for other layouts. */
  readonly poolName?: string
  /** Absent for everything but a thin pool. */
  readonly pool?: ThinPoolShape
}

/** What a thin pool was made with (lvmthin(7)). Its data area is the size of the volume that it appears as. */
export interface ThinPoolShape {
  readonly metadataBytes: bigint
  readonly chunkBytes: bigint
  /** Whether a chunk is zeroed before it is given to a volume, so that nothing of an earlier one shows. */
  readonly zeroes: boolean
}

/** How a thin pool that is active is used, by the kernel's word. */
export interface ThinPoolUse {
  readonly poolUuid: string
  readonly dataPercent: number
  readonly metadataPercent: number
  /** `rw` when all is well; else the kernel's word for its mode, or what it asks for. */
  readonly mode: string
}

/** A group of ours that could not be read: what is in it is not known now, and nothing may be concluded. */
export interface UnseenGroup {
  readonly name: string
  readonly uuid: string
  readonly reason: string
  readonly message: string
}

/** What the groups that were looked at since the start hold now. */
export interface Inventory {
  readonly groups: readonly VolumeGroup[]
  readonly volumes: readonly LogicalVolume[]
  readonly unseen: readonly UnseenGroup[]
  /** Of the thin pools that are active; absent when none is. */
  readonly poolUse?: readonly ThinPoolUse[]
  /** Why no thin pool can be made on this node: thin_check(8) cannot be run. Absent when it can. */
  readonly thinCheckFault?: string
  /** Volumes that were being made when the look began; `volumes` may have some of them. Absent when none was. */
  readonly inCreation?: readonly CreateVolumeRequest[]
}

/** What became of a disk that a class lists. */
export interface DiskVerdict {
  /** As written in the class. */
  readonly path: string
  readonly state: 'Accepted' | 'Refused' | 'Missing'
  /** WWN, else serial, else empty. */
  readonly id: string
  readonly sizeBytes: bigint
  /** Kernel path behind the link at the time of judging. */
  readonly devicePath: string
  /** Stable CamelCase; `Blank`, `Member` when accepted. */
  readonly reason: string
  /** What was found and what a person can do about it. */
  readonly message: string
  /** UUID of the PhysicalVolume on it, when it is a member of the wanted group. */
  readonly physicalVolumeUuid?: string
  /** The disk that was accepted under this path, to be written down: a later look compares with it. */
  readonly recorded?: RecordedDisk
}

/** A disk as a class or a person lists it. */
export interface ListedDisk {
  readonly path: string
  /** WWN or serial number of the one disk that may be erased and taken although it is not blank. */
  readonly allowNonBlank?: string
  /** Size of the grown device, all of which is to be used; counts only while the device has exactly this size. */
  readonly growToBytes?: bigint
}

/** Which disk was accepted under a path. */
export interface RecordedDisk {
  readonly path: string
  /** WWN or serial number; empty for a device that has none. */
  readonly id: string
  readonly sizeBytes: bigint
  readonly physicalVolumeUuid: string
}

/** Disks that are listed for another volume group of this node. */
export interface OtherList {
  readonly groupName: string
  readonly paths: readonly string[]
}

export interface CreateVolumeRequest {
  readonly groupName: string
  /** Refused when the group of that name has another UUID. */
  readonly groupUuid: string
  readonly name: string
  /** Rounded up to whole extents, and to whole stripes. */
  readonly sizeBytes: bigint
  readonly layout: Layout
  readonly record: VolumeRecord
}

export interface ExtendVolumeRequest {
  readonly handle: VolumeHandle
  readonly sizeBytes: bigint
  /** Of the class, for a thin volume: how much larger than its pool the volumes may be together, in thousandths. */
  readonly overprovisionPermille: bigint
}

/** A file system where it is mounted. */
export interface MountedFileSystem {
  readonly type: FileSystem
  /** A path that leads to the mount in this process's own namespace; the mount must be writable. */
  readonly mountPoint: string
}

/** What has to be true of a volume's content before it is handed to a consumer. */
export type WantedContent =
  | { readonly kind: 'block' }
  | { readonly kind: 'fileSystem'; readonly type: FileSystem; readonly mkfsOptions: readonly string[] }

export interface EnsureGroupRequest {
  readonly name: string
  readonly clusterId: string
  readonly disks: readonly ListedDisk[]
  /** What was written down about disks of the group, also about some that are not listed any more. */
  readonly recordedDisks?: readonly RecordedDisk[]
  readonly otherLists?: readonly OtherList[]
  /** Set while classes differ about the group's disks: it is used as it is, no disk joins and none is closed. */
  readonly keepDisks?: boolean
  /**
   * UUID of the group when one was made before (from NodeLocalStorage). With it no second group is made while the
   * disks of the first are away.
   */
  readonly expectedGroupUuid?: string
  /** Where its metadata stood when that was last written down; an earlier state found now freezes the group. */
  readonly expectedMark?: GroupMark
  /** Tickets by which persons accepted a state that went back in time, as the message asked for them. */
  readonly acceptedStates?: readonly string[]
  /** What a person types, before the ticket, to accept such a state; empty when there is no way. */
  readonly acceptCommand?: string
}

/** What came of looking at a class's disks and making its group. */
export interface EnsureGroupResult {
  /** Undefined when there is no group: no acceptable disk, or the name belongs to somebody else. */
  readonly group: VolumeGroup | undefined
  readonly disks: readonly DiskVerdict[]
  /** Why there is no group, or why it may not be used for new volumes; undefined when all is well. */
  readonly problem: { readonly reason: string; readonly message: string } | undefined
}

/**
 * LVM of this node, as the rooms above see it: typed results and typed errors, never text of a command.
 *
 * All methods are safe to repeat. Errors are those of lvm/errors.ts; an `OutcomeUnknown` means that neither success
 * nor failure could be read back, and that nothing may be concluded from it.
 */
export interface NodeVolumes {
  /**
   * What is true now, shared by callers that ask at the same time; LVM is run only for groups that have changed. A group
   * that cannot be read stops no other.
   */
  inventory(): Promise<Inventory>

  /** Judges the disks, and makes the group from the accepted ones when it does not exist. Never wipes anything. */
  ensureGroup(request: EnsureGroupRequest): Promise<EnsureGroupResult>

  /**
   * Drops what is remembered of a group of that name, so that another one may be made. Changes nothing on any disk:
   * a group that is still there is met again by the next ensureGroup that lists its disks.
   */
  forgetGroup(name: string): void

  /**
   * Makes an inactive volume, reads it back and flushes the disks; a volume of that name with the same claim UID is
   * returned as it is (at least the size asked for), so a retry after a crash meets its own work.
   * @throws NoSpace with the numbers, Frozen when disks are missing, Conflict when the name is somebody else's.
   */
  createVolume(request: CreateVolumeRequest): Promise<LogicalVolume>

  /**
   * Makes volumes that are of use only together, also in several groups: none unless all fit, and nobody takes the space
   * meanwhile. A failure midway leaves those that were made before it, to be found by their names. Each is as createVolume
   * makes it; gives them in the order of the requests.
   * @throws NoSpace before anything is made; else as createVolume.
   */
  createVolumes(requests: readonly CreateVolumeRequest[]): Promise<readonly LogicalVolume[]>

  /** The volume, or undefined when a complete group does not contain it. @throws Frozen when that cannot be known. */
  findVolume(handle: VolumeHandle): Promise<LogicalVolume | undefined>

  /**
   * Activates the volume and, for a file system, formats it if and only if it was never formatted; marks it used,
   * durably, before it returns. Gives the device path (`/dev/mapper/…`).
   * @throws NotFound, Refused (content is not what was expected: nothing was changed), Frozen.
   */
  prepareVolume(
    handle: VolumeHandle,
    content: WantedContent,
  ): Promise<{ devicePath: string; fileSystem: FileSystem | undefined }>

  /**
   * Makes a volume at least so large, in whole extents and stripes; never smaller. Reads it back, flushes the disks, and has an
   * active one show its size. The added space is blank, as that of a new volume is; a file system on it stays as it is.
   * @throws NoSpace with the numbers, NotFound, Refused (the volume cannot be made larger as it is), Frozen; nothing was
   *   changed then.
   */
  extendVolume(request: ExtendVolumeRequest): Promise<LogicalVolume>

  /**
   * Makes a mounted file system as large as its volume; nothing to do when it is. `mountPoint` has to be the volume's:
   * the caller has made sure of it.
   * @throws CommandFailed, NotFound when the volume is not active.
   */
  growFileSystem(handle: VolumeHandle, fileSystem: MountedFileSystem): Promise<void>

  /** Deactivates an unused volume; nothing to do when it is inactive or gone. @throws InUse. */
  releaseVolume(handle: VolumeHandle): Promise<void>

  /**
   * Erases and removes a volume, and reads back that it is gone. Returns when it is absent from a complete group.
   * `expected` is what the caller believes about it; anything else is refused, and with `neverUsed` also a volume that
   * somebody may have written to.
   * @throws InUse (mounted or open), Refused, Frozen.
   */
  removeVolume(
    handle: VolumeHandle,
    expected: { name: string; claimUid: string; erase: EraseMethod; neverUsed?: boolean },
  ): Promise<void>
}
