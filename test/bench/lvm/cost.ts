import { MIB, requestFor } from '../../node/lvm/fixture.ts'
import type { Figure } from '../report.ts'
import { median } from '../statistics.ts'
import { bareCreates } from './bare.ts'
import { fillGroup, startRoom } from './group.ts'

const ROUNDS = 5

interface Cost {
  readonly volumes: number
  readonly roomMs: readonly number[]
  readonly bareMs: readonly number[]
}

const costAt = async (disk: string, volumes: number): Promise<Cost> => {
  await fillGroup(volumes)
  const room = await startRoom(disk)
  const roomMs: number[] = []
  const bareMs: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now()
    await room.volumes.createVolume(requestFor(room.group, 4n * MIB))
    const took = performance.now() - start
    const bare = await bareCreates(disk, room.group, [`bare-${round}`])
    if (round > 0) {
      roomMs.push(took)
      bareMs.push(...bare)
    }
  }
  await room.close()
  return { volumes, roomMs, bareMs }
}

/** In the guest: one volume at a time in groups that hold so many already, room and script in turns. */
export const measureCost = async (disk: string, counts: readonly number[]): Promise<readonly Cost[]> => {
  const costs: Cost[] = []
  for (const count of counts) costs.push(await costAt(disk, count))
  return costs
}

export const costFigures = (costs: readonly Cost[]): readonly Figure[] =>
  costs.map(({ volumes, roomMs, bareMs }) => ({
    name: `lvm/create-at-${volumes}`,
    ratio: median(roomMs) / median(bareMs),
    goal: { atMost: 1.2 },
    raw: { roomMs: median(roomMs), bareMs: median(bareMs), rounds: ROUNDS },
    method: `median of ${ROUNDS} single creations through the room in a group of ${volumes} volumes, over lvcreate and sync by bash, in turns`,
  }))
