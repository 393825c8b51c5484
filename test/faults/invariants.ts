import type { AcknowledgedVolume, Facts } from './facts.ts'
import type { Extents, ReadGroup, ReadVolume } from './group-reading.ts'

/** A promise of Loam that was found broken. The message starts with the invariant's number. */
export class Violation extends Error {}

/** @throws Violation unless it holds. */
export const demand = (holds: boolean, what: string): void => {
  if (!holds) throw new Violation(what)
}

/** What is on the disks at one moment, and what is known to have been promised by then. */
export interface Moment {
  readonly groups: readonly ReadGroup[]
  /** The reading before this one; empty for the first. */
  readonly before: readonly ReadGroup[]
  readonly facts: Facts
  /** UIDs of the claims that somebody still works for: a volume in the making is theirs, and no leak. */
  readonly claimUids: readonly string[]
  /** Whether the removal of the volume has been asked for: then it may be gone before that is acknowledged. */
  readonly removalAsked: boolean
}

const volumesIn = (groups: readonly ReadGroup[]): ReadVolume[] => groups.flatMap(({ volumes }) => volumes)

const tagOf = ({ tags }: ReadVolume, key: string): string | undefined =>
  tags.find((tag) => tag.startsWith(`loam.${key}=`))?.slice(`loam.${key}=`.length)

const stateFits = (found: ReadVolume, { used }: AcknowledgedVolume, removalAsked: boolean): boolean => {
  const state = tagOf(found, 'state')
  if (removalAsked) return state !== undefined
  return used === undefined ? state !== 'erasing' : state === 'used'
}

/** I1: what was acknowledged is there, with its UUID and size, and once handed out it stays recorded as used. */
const nothingAcknowledgedIsLost = ({ groups, facts, removalAsked }: Moment): void => {
  const { groupUuid, volume, removed } = facts
  if (groupUuid !== undefined)
    demand(
      groups.some(({ uuid }) => uuid === groupUuid),
      `I1: acknowledged group ${groupUuid} is gone`,
    )
  if (volume === undefined || removed === true) return
  const found = volumesIn(groups).find(({ uuid }) => uuid === volume.handle.volumeUuid)
  if (found === undefined) {
    demand(removalAsked, `I1: acknowledged volume ${volume.name} is gone`)
    return
  }
  demand(found.sizeBytes >= BigInt(volume.sizeBytes), `I1: volume ${volume.name} has shrunk`)
  demand(
    stateFits(found, volume, removalAsked),
    `I1: volume ${volume.name} is tagged ${tagOf(found, 'state') ?? 'with no state'}`,
  )
}

const overlap = (one: Extents, other: Extents): boolean =>
  one.disk === other.disk && one.first <= other.last && other.first <= one.last

/** I2: no extent belongs to two volumes. */
const noExtentIsShared = ({ groups }: Moment): void => {
  const all = volumesIn(groups).flatMap(({ uuid, extents }) => extents.map((run) => ({ uuid, run })))
  for (const [index, one] of all.entries())
    for (const other of all.slice(index + 1))
      demand(!overlap(one.run, other.run), `I2: volumes ${one.uuid} and ${other.uuid} share extents`)
}

/** I5: a claim has one volume at the most. */
const oneVolumeForAClaim = ({ groups }: Moment): void => {
  const uids = volumesIn(groups).map((volume) => tagOf(volume, 'claim-uid'))
  const twice = uids.find((uid, index) => uid !== undefined && uids.indexOf(uid) !== index)
  demand(twice === undefined, `I5: claim ${twice ?? ''} has two volumes`)
}

/** A pool is Loam's own, and stays. */
export const isPool = (volume: ReadVolume): boolean => tagOf(volume, 'pool') !== undefined

/** I6: a volume is acknowledged, or a claim that is still worked for owns it. */
const nothingLeaks = ({ groups, facts, claimUids }: Moment): void => {
  for (const volume of volumesIn(groups).filter((each) => !isPool(each))) {
    const isKnown = facts.removed !== true && facts.volume?.handle.volumeUuid === volume.uuid
    const isWanted = claimUids.includes(tagOf(volume, 'claim-uid') ?? '')
    demand(isKnown || isWanted, `I6: nobody knows of volume ${volume.name}`)
  }
}

/** I11: there is one group, it stays the same, and its metadata never goes back. */
const groupMovesForwardOnly = ({ groups, before }: Moment): void => {
  demand(groups.length <= 1, `I11: ${groups.length} groups of one name`)
  const [earlier] = before
  const [now] = groups
  if (earlier === undefined) return
  demand(now?.uuid === earlier.uuid, `I11: the group with UUID ${earlier.uuid} is another one now`)
  demand((now?.seqno ?? 0) >= earlier.seqno, `I11: metadata went back from version ${earlier.seqno}`)
}

/** I4: a file system is made once in the life of a volume. */
export const fileSystemStays = (before: Facts, after: Facts): void => {
  const was = before.volume?.used?.fileSystemUuid
  const is = after.volume?.used?.fileSystemUuid
  demand(was === undefined || was === is, `I4: file system ${was ?? ''} was replaced by ${is ?? 'nothing'}`)
}

/** All that must be true of the disks at any moment, whoever was killed a moment ago. @throws Violation. */
export const checkMoment = (moment: Moment): void => {
  nothingAcknowledgedIsLost(moment)
  noExtentIsShared(moment)
  oneVolumeForAClaim(moment)
  nothingLeaks(moment)
  groupMovesForwardOnly(moment)
}
