import type { Room } from '../core/room.ts'

/** What a group has left for claims that nobody has taken into account yet. */
export interface RoomNow {
  readonly room: Room
  readonly extentSizeBytes: bigint
  readonly freeExtents: bigint
  /** UIDs of claims whose volumes the report counts. */
  readonly countedClaims: ReadonlySet<string>
  /** What was asked for by claims that are on their way here, and that the report does not count. */
  readonly comingBytes: bigint
  /** The same text for groups with the same room: what fits one fits the other. */
  readonly signature: string
}
