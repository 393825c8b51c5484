import { GROUP, lvmSubcommand, MIB, requestFor } from '../../node/lvm/fixture.ts'
import type { Figure } from '../report.ts'
import { bareCreates } from './bare.ts'
import { fillGroup, startRoom } from './group.ts'

export interface Creates {
  /** Milliseconds from the start until each volume was made, in the order of their ends. */
  readonly roomMs: readonly number[]
  readonly bareMs: readonly number[]
  readonly lvmCommands: number
}

const burst = async (disk: string, count: number) => {
  await fillGroup(0)
  const room = await startRoom(disk)
  const before = room.commands.length
  const roomMs: number[] = []
  const start = performance.now()
  await Promise.all(
    Array.from({ length: count }, async () => {
      await room.volumes.createVolume(requestFor(room.group, 4n * MIB))
      roomMs.push(performance.now() - start)
    }),
  )
  const lvmCommands = room.commands.slice(before).filter((each) => lvmSubcommand(each) !== undefined).length
  await room.close()
  return { roomMs, lvmCommands, group: room.group }
}

/** In the guest: a burst of volumes through the room, then as many by a script, both in an empty group. */
export const measureCreates = async (disk: string, count: number): Promise<Creates> => {
  const { group, ...room } = await burst(disk, count)
  await fillGroup(0)
  const names = Array.from({ length: count }, (_, index) => `bare-${index}`)
  return { ...room, bareMs: await bareCreates(disk, group, names) }
}

const perSecond = (ends: readonly number[], count: number): number =>
  (count * 1000) / (ends[count - 1] ?? NaN)

/** `counts` are parts of the one burst that was measured, the largest all of it. */
export const createFigures = (measured: Creates, counts: readonly number[]): readonly Figure[] => [
  ...counts.map((count) => {
    const room = perSecond(measured.roomMs, count)
    const bare = perSecond(measured.bareMs, count)
    return {
      name: `lvm/creates-${count}`,
      ratio: room / bare,
      goal: { atLeast: 0.8 },
      raw: { roomPerSecond: room, barePerSecond: bare },
      method: `volumes a second until the ${count}th of one burst into empty ${GROUP} through the room was made and read back, over a bash loop of the same lvcreate and sync`,
    }
  }),
  {
    name: 'lvm/commands-a-create',
    ratio: measured.lvmCommands / measured.roomMs.length,
    goal: { atMost: 1 },
    raw: { lvmCommands: measured.lvmCommands, volumes: measured.roomMs.length },
    method: 'LVM commands that the room ran in the burst, over the volumes that it made',
  },
]
