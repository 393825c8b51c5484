import { createHash } from 'node:crypto'

import { Frozen } from './errors.ts'
import type { GroupMark, LogicalVolume, VolumeGroup } from './types.ts'

/** A digest made in another way, by another version, can not be compared: then the number alone speaks. */
const DIGEST_VERSION = 'v1-'

/**
 * Where a group's metadata stands. The digest covers what is on the disks and nothing of this moment: the group's
 * tags, and each volume's UUID, name, size and tags.
 */
export const markOf = (report: {
  readonly group: VolumeGroup
  readonly volumes: readonly LogicalVolume[]
}): GroupMark => {
  const { group, volumes } = report
  const lines = volumes
    .filter(({ handle }) => handle.groupUuid === group.uuid)
    .map(({ handle, name, sizeBytes, tags }) =>
      JSON.stringify([handle.volumeUuid, name, `${sizeBytes}`, [...tags].sort()]),
    )
    .sort()
  const text = [JSON.stringify([...group.tags].sort()), ...lines].join('\n')
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 32)
  return { seqno: group.seqno, digest: `${DIGEST_VERSION}${digest}` }
}

/**
 * Whether metadata that stood at `before` went back in time. A higher number is normal: what was seen is written down
 * after LVM's change, and a crash may come between. The number alone proves nothing: vgcfgrestore(8) of a copy that is
 * one change old leaves it where it was, with other content.
 */
const wentBack = (before: GroupMark, found: GroupMark): boolean =>
  found.seqno < before.seqno ||
  (found.seqno === before.seqno && before.digest.startsWith(DIGEST_VERSION) && found.digest !== before.digest)

/**
 * What a person gives to accept a state that went back: which state, and instead of how late a one. It permits this
 * step back and no later one to the same state.
 */
const ticketFor = (before: GroupMark, found: GroupMark): string => `${before.seqno}.${found.digest}`

const accepts = (ticket: string, before: GroupMark, found: GroupMark): boolean => {
  const [, seqno, digest] = /^(\d{1,15})\.(.+)$/.exec(ticket) ?? []
  return digest === found.digest && before.seqno <= Number(seqno)
}

/**
 * How far the metadata of one group was ever seen to be. Fed with what was written down before a restart, and with
 * every report.
 */
export class GroupHistory {
  #highest: GroupMark | undefined
  /** Marks up to here were set aside by a person; an older record of them may still turn up. */
  #setAsideUpTo = 0
  #tickets: readonly string[] = []
  #acceptCommand = ''

  /** `acceptCommand`: what a person types, before the ticket, to accept a state that went back. */
  expect(recorded: GroupMark | undefined, tickets: readonly string[], acceptCommand: string): void {
    this.#tickets = tickets
    this.#acceptCommand = acceptCommand
    if (recorded === undefined || recorded.seqno <= this.#setAsideUpTo) return
    if (this.#highest === undefined || recorded.seqno >= this.#highest.seqno) this.#highest = recorded
  }

  /** @throws Frozen when the group went back in time and nobody has accepted that. */
  judge(groupName: string, found: GroupMark): void {
    const before = this.#highest
    if (before !== undefined && wentBack(before, found)) {
      if (!this.#tickets.some((ticket) => accepts(ticket, before, found)))
        throw new Frozen(
          'MetadataWentBack',
          `volume group "${groupName}"`,
          `its metadata went back in time: version ${before.seqno} was there, now it is version ${found.seqno}` +
            (found.seqno === before.seqno ? ' with other content' : ''),
          { advice: this.#advice(ticketFor(before, found)) },
        )
      this.#setAsideUpTo = before.seqno
    }
    this.#highest = found
  }

  #advice(ticket: string): string {
    const find =
      'was it restored, or did an old disk come back? Find the newest state before anything is written'
    return this.#acceptCommand === ''
      ? find
      : `${find}; to go on with what is there now: ${this.#acceptCommand}${ticket}`
  }
}
