import { LoamError } from '../core/errors.ts'
import { createVolume, type CreateTools } from './create-volume.ts'
import type { JustMade } from './just-made.ts'
import type { Lanes } from './lanes.ts'
import { readPoolUse } from './pool-use.ts'
import { inPlanningOrder } from '../core/room.ts'
import { requireRoomTogether } from './room-together.ts'
import type { StuckWork } from './stuck-work.ts'
import type { CreateVolumeRequest, LogicalVolume } from './types.ts'

/** What volumes of several groups are made with. */
export interface CreateManyTools {
  readonly lanes: Lanes
  readonly stuck: StuckWork
  readonly toolsFor: (request: CreateVolumeRequest) => CreateTools
}

export interface Made {
  readonly volume: LogicalVolume
  readonly justMade: JustMade | undefined
}

/** The last report is good enough for a yes; a no needs a fresh one, as with a single volume. */
const requireRoom = async (
  { known, hostRunner }: CreateTools,
  requests: readonly CreateVolumeRequest[],
): Promise<void> => {
  const hasThin = requests.some(({ layout }) => layout.name === 'thin')
  const poolUse = hasThin ? await readPoolUse(hostRunner, [known.uuid]) : []
  if (known.last !== undefined) {
    try {
      requireRoomTogether(known.last, requests, poolUse)
      return
    } catch (error) {
      if (!(error instanceof LoamError)) throw error
    }
  }
  requireRoomTogether(await known.fresh(), requests, poolUse)
}

/** Holds the lanes of all groups, taken in the order of their names, so that no two callers wait for each other. */
const inLanes = <T>(lanes: Lanes, names: readonly string[], task: () => Promise<T>): Promise<T> => {
  const [first, ...rest] = names
  return first === undefined ? task() : lanes.run(first, () => inLanes(lanes, rest, task))
}

/**
 * Makes volumes that are of use only together, in one group or several. Nothing is made unless all fit: while it plans
 * and makes them nobody else takes space from these groups, so the lanes are the ledger of space in flight.
 *
 * A failure midway leaves those that were made before it: they are `new`, and found again by their names. Gives the
 * volumes in the order of the requests.
 *
 * @throws NoSpace before anything is made; else as createVolume.
 */
export const createVolumes = async (
  { lanes, stuck, toolsFor }: CreateManyTools,
  requests: readonly CreateVolumeRequest[],
): Promise<readonly Made[]> => {
  const byGroup = Map.groupBy(requests, ({ groupName }) => groupName)
  return inLanes(lanes, [...byGroup.keys()].sort(), async () => {
    for (const ofGroup of byGroup.values()) {
      const [first] = ofGroup
      if (first !== undefined) await requireRoom(toolsFor(first), ofGroup)
    }
    const made = new Map<CreateVolumeRequest, Made>()
    for (const request of inPlanningOrder(requests)) {
      // noted for its own group, whichever lane is the innermost
      const work = () => createVolume(toolsFor(request), request)
      made.set(request, await stuck.watch(request.groupName, work))
    }
    return requests.flatMap((request) => made.get(request) ?? [])
  })
}
