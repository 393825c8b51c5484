import { lvmSubcommand, MIB, requestFor, type Node } from '../../node/lvm/fixture.ts'
import type { VolumeGroup } from '../../../lvm/types.ts'
import type { Figure } from '../report.ts'
import { bareCreates } from './bare.ts'
import { fillGroup, startRoom } from './group.ts'

/** Short enough that room and script meet the same moments of a busy machine. */
const SLICE = 20

export interface Slice {
  readonly volumes: number
  readonly roomMs: number
  readonly bareMs: number
}

export interface Creates {
  readonly slices: readonly Slice[]
  readonly lvmCommands: number
}

/** Milliseconds until each of a burst was made and read back. */
const burst = async (volumes: Node['volumes'], group: VolumeGroup, count: number): Promise<number> => {
  const start = performance.now()
  await Promise.all(Array.from({ length: count }, () => volumes.createVolume(requestFor(group, 4n * MIB))))
  return performance.now() - start
}

/** In the guest: so many volumes through the room in bursts, and as many by a script, in turns in one group. */
export const measureCreates = async (disk: string, count: number): Promise<Creates> => {
  await fillGroup(0)
  const room = await startRoom(disk)
  const before = room.commands.length
  const slices: Slice[] = []
  for (let made = 0; made < count; made += SLICE) {
    const volumes = Math.min(SLICE, count - made)
    const roomMs = await burst(room.volumes, room.group, volumes)
    const names = Array.from({ length: volumes }, (_, index) => `bare-${made + index}`)
    const bareMs = (await bareCreates(disk, room.group, names)).at(-1) ?? Number.NaN
    slices.push({ volumes, roomMs, bareMs })
  }
  const lvmCommands = room.commands.slice(before).filter((each) => lvmSubcommand(each) !== undefined).length
  await room.close()
  return { slices, lvmCommands }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

/** Volumes a second over the first slices that hold `count` volumes, whole slices. */
export const ratesOf = (
  slices: readonly Slice[],
  count: number,
): { volumes: number; room: number; bare: number } => {
  const first = slices.slice(0, Math.ceil(count / SLICE))
  const volumes = sum(first.map((slice) => slice.volumes))
  return {
    volumes,
    room: (volumes * 1000) / sum(first.map(({ roomMs }) => roomMs)),
    bare: (volumes * 1000) / sum(first.map(({ bareMs }) => bareMs)),
  }
}

/** `counts` are parts of what was measured, the largest all of it. */
export const createFigures = (
  { slices, lvmCommands }: Creates,
  counts: readonly number[],
): readonly Figure[] => [
  ...counts.map((count) => {
    const { volumes, room, bare } = ratesOf(slices, count)
    return {
      name: `lvm/creates-${count}`,
      ratio: room / bare,
      goal: { atLeast: 0.8 },
      raw: { roomPerSecond: room, barePerSecond: bare, volumes },
      method: `volumes a second for ${count} through the room, made and read back in bursts of ${SLICE}, over a bash loop of the same lvcreate and sync, in turns`,
    }
  }),
  {
    name: 'lvm/commands-a-create',
    ratio: lvmCommands / sum(slices.map(({ volumes }) => volumes)),
    goal: { atMost: 1 },
    raw: { lvmCommands, volumes: sum(slices.map(({ volumes }) => volumes)) },
    method: 'LVM commands that the room ran for these volumes, over their number',
  },
]
