import { LoamError } from '../core/errors.ts'
import type { CommandRunner } from './command-runner.ts'
import type { Creations } from './creations.ts'
import { Frozen } from './errors.ts'
import type { KnownGroup, KnownGroups } from './known-groups.ts'
import { readPoolUse } from './pool-use.ts'
import type { GroupReport } from './report.ts'
import type { StuckWork } from './stuck-work.ts'
import type { ThinCheck } from './thin-check.ts'
import { isThin } from './thin-pool.ts'
import type { Inventory, UnseenGroup } from './types.ts'

const unseen = ({ name, uuid }: KnownGroup, error: unknown): UnseenGroup => {
  if (!(error instanceof LoamError)) throw error
  const reason = error instanceof Frozen ? error.because : error.reason
  return { name, uuid, reason, message: error.message }
}

const look = async (group: KnownGroup, stuck: StuckWork): Promise<GroupReport | UnseenGroup> => {
  try {
    return await group.glance()
  } catch (error) {
    return unseen(group, stuck.get(group.name) ?? error)
  }
}

/** Asked only while a thin volume is active. What cannot be read is not known, and hides nothing else. */
const usedPools = async (
  hostRunner: CommandRunner,
  reports: readonly GroupReport[],
): Promise<Pick<Inventory, 'poolUse'>> => {
  const inUse = reports.filter(({ volumes }) => volumes.some((volume) => isThin(volume) && volume.active))
  if (inUse.length === 0) return {}
  try {
    return {
      poolUse: await readPoolUse(
        hostRunner,
        inUse.map(({ group }) => group.uuid),
      ),
    }
  } catch (error) {
    if (!(error instanceof LoamError)) throw error
    return {}
  }
}

export interface InventoryTools {
  readonly known: KnownGroups
  readonly stuck: StuckWork
  readonly hostRunner: CommandRunner
  readonly creations: Creations
  readonly thinCheck: ThinCheck
}

/** Reads every known group, each for itself: one whose disks hang or are away must not hide the others. */
export const takeInventory = async ({
  known,
  stuck,
  hostRunner,
  creations,
  thinCheck,
}: InventoryTools): Promise<Inventory> => {
  // before the look: one that ends meanwhile is in the reports
  const inCreation = creations.current
  const found = await Promise.all(known.all().map((group) => look(group, stuck)))
  const reports = found.filter((each) => 'group' in each)
  return {
    groups: reports.map(({ group }) => group),
    volumes: reports.flatMap(({ volumes }) => volumes),
    unseen: found.filter((each) => 'reason' in each),
    ...(await usedPools(hostRunner, reports)),
    ...(inCreation.length === 0 ? {} : { inCreation }),
    ...(thinCheck.fault === undefined ? {} : { thinCheckFault: thinCheck.fault }),
  }
}
