import type { VolumeGroup } from './types.ts'

/** What the name of a copy's file tells. */
interface CopyName {
  readonly groupUuid: string
  /** Time in UTC that sorts as text: `20260131T235959Z`. */
  readonly madeAt: string
}

const COPY_NAME = /^.+_([A-Za-z0-9-]{38})_\d+_(\d{8}T\d{6}Z)\.vg$/

const parse = (fileName: string): CopyName | undefined => {
  const [, groupUuid, madeAt] = COPY_NAME.exec(fileName) ?? []
  return groupUuid === undefined || madeAt === undefined ? undefined : { groupUuid, madeAt }
}

const timeOf = (fileName: string): string => parse(fileName)?.madeAt ?? ''

/** Name of the file with a copy: `GROUP_UUID_SEQNO_TIME.vg`, with the time in UTC. */
export const copyFileName = (group: Pick<VolumeGroup, 'name' | 'uuid' | 'seqno'>, madeAt: Date): string => {
  const time = madeAt.toISOString().replaceAll(/[-:]|\.\d+/g, '')
  return `${group.name}_${group.uuid}_${group.seqno}_${time}.vg`
}

const KEPT_NEWEST = 10
const KEPT_DAYS = 7

/** Names of the copies of one group, newest first; files that are no copies are not among them. */
export const copiesOf = (groupUuid: string, fileNames: readonly string[]): readonly string[] =>
  fileNames
    .filter((fileName) => parse(fileName)?.groupUuid === groupUuid)
    .toSorted((a, b) => timeOf(b).localeCompare(timeOf(a)))

const dayOf = (fileName: string): string => timeOf(fileName).slice(0, 8)

/**
 * Which copies of a group may go, once one more is there: all but the newest ten, and the last one of each of the
 * newest seven days that have any. By their own dates and not by today's, so that a group that nobody changes keeps
 * what it has. The one that was just made stays even when the clock went back.
 */
export const outdatedCopies = (
  groupUuid: string,
  fileNames: readonly string[],
  justMade: string,
): readonly string[] => {
  const newestFirst = copiesOf(groupUuid, fileNames)
  const days = [...new Set(newestFirst.map(dayOf))].slice(0, KEPT_DAYS)
  const lastOfDays = days.map((day) => newestFirst.find((fileName) => dayOf(fileName) === day))
  const kept = new Set([justMade, ...newestFirst.slice(0, KEPT_NEWEST), ...lastOfDays])
  return newestFirst.filter((fileName) => !kept.has(fileName))
}

/** Start of the group's own section, after a header that says who wrote the file and when. */
const GROUP_SECTION = /^(\S+) \{\n\tid = "([^"]+)"\n\tseqno = (\d+)\n/m

/** What vgcfgbackup(8) wrote. */
export interface CopyContent {
  readonly name: string
  readonly uuid: string
  readonly seqno: number
  /** Without the header: what two copies have in common when nothing changed between them. */
  readonly metadata: string
}

/** Reads the text of vgcfgbackup(8), or undefined when it is not a whole one. */
export const parseCopy = (text: string): CopyContent | undefined => {
  const found = GROUP_SECTION.exec(text)
  const [, name, uuid, seqno] = found ?? []
  if (found === null || name === undefined || uuid === undefined || !text.endsWith('}\n')) return undefined
  return { name, uuid, seqno: Number(seqno), metadata: text.slice(found.index) }
}
