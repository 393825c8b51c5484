import { LoamError } from '../core/errors.ts'
import { Frozen } from './errors.ts'
import type { KnownGroup, KnownGroups } from './known-groups.ts'
import type { GroupReport } from './report.ts'
import type { Inventory, UnseenGroup } from './types.ts'

const unseen = ({ name, uuid }: KnownGroup, error: unknown): UnseenGroup => {
  if (!(error instanceof LoamError)) throw error
  const reason = error instanceof Frozen ? error.because : error.reason
  return { name, uuid, reason, message: error.message }
}

const look = async (group: KnownGroup): Promise<GroupReport | UnseenGroup> => {
  try {
    return await group.fresh()
  } catch (error) {
    return unseen(group, error)
  }
}

/** Reads every known group, each for itself: one whose disks hang or are away must not hide the others. */
export const takeInventory = async (known: KnownGroups): Promise<Inventory> => {
  const found = await Promise.all(known.all().map(look))
  const reports = found.filter((each) => 'group' in each)
  return {
    groups: reports.map(({ group }) => group),
    volumes: reports.flatMap(({ volumes }) => volumes),
    unseen: found.filter((each) => 'reason' in each),
  }
}
