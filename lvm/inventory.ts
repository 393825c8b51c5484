import { LoamError } from '../core/errors.ts'
import { Frozen } from './errors.ts'
import type { KnownGroup, KnownGroups } from './known-groups.ts'
import type { GroupReport } from './report.ts'
import type { StuckWork } from './stuck-work.ts'
import type { Inventory, UnseenGroup } from './types.ts'

const unseen = ({ name, uuid }: KnownGroup, error: unknown): UnseenGroup => {
  if (!(error instanceof LoamError)) throw error
  const reason = error instanceof Frozen ? error.because : error.reason
  return { name, uuid, reason, message: error.message }
}

const look = async (group: KnownGroup, stuck: StuckWork): Promise<GroupReport | UnseenGroup> => {
  try {
    return await group.fresh()
  } catch (error) {
    return unseen(group, stuck.get(group.name) ?? error)
  }
}

/** Reads every known group, each for itself: one whose disks hang or are away must not hide the others. */
export const takeInventory = async (known: KnownGroups, stuck: StuckWork): Promise<Inventory> => {
  const found = await Promise.all(known.all().map((group) => look(group, stuck)))
  const reports = found.filter((each) => 'group' in each)
  return {
    groups: reports.map(({ group }) => group),
    volumes: reports.flatMap(({ volumes }) => volumes),
    unseen: found.filter((each) => 'reason' in each),
  }
}
