interface GroupProblemText {
  readonly meaning: string
  readonly toDo: string
}

/** Why a group cannot be made, or takes no new volumes. The reasons are stable: conditions show them. */
export const GROUP_PROBLEMS = {
  NoUsableDisk: { meaning: 'no listed disk was accepted', toDo: 'see the reasons above' },
  ForeignGroup: {
    meaning: 'a group of this name exists that Loam did not make',
    toDo: 'name another group in the StorageClass, or rename that one (`vgrename`)',
  },
  OtherCluster: {
    meaning: 'the group belongs to another Kubernetes cluster, or to one that was made anew',
    toDo: 'use other disks; or adopt it with the command in the message. Nothing is touched',
  },
  SeveralGroups: {
    meaning: 'two groups of this name are on the disks',
    toDo: 'detach the disks of all but one',
  },
  Conflict: {
    meaning: 'a group of this name exists on disks that are not listed',
    toDo: 'name another group, or list its disks',
  },
  GroupMissing: {
    meaning: 'the group was there before, and none of its disks is',
    toDo: 'attach its disks; no second group is made meanwhile',
  },
  NotSeen: { meaning: 'LVM does not show the group on its disks', toDo: 'check the disks' },
  DisksMissing: {
    meaning: 'some of its disks are missing',
    toDo: 'attach them; volumes on the others stay usable, nothing new is made. It thaws by itself',
  },
  DuplicatePhysicalVolumes: {
    meaning: 'two devices carry the same LVM UUID, and only one can be the disk of the group',
    toDo: 'detach the copy; the message names both',
  },
  DiskShrunk: {
    meaning: 'a disk of the group is smaller than it was',
    toDo: 'give it its size back before anything is written',
  },
  MetadataWentBack: {
    meaning: 'an older state of the group came back',
    toDo: 'see [replacing disks](replacing-disks.md); the message has the command that accepts it',
  },
  ListsDiffer: {
    meaning: 'two classes list different disks for one group that is not made yet',
    toDo: 'make the lists the same, or name two groups',
  },
} as const satisfies Record<string, GroupProblemText>

export type GroupProblemReason = keyof typeof GROUP_PROBLEMS
