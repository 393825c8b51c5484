import { lvmSubcommand, MIB, requestFor } from '../../node/lvm/fixture.ts'
import type { Figure } from '../report.ts'
import { bareLivesCpuSeconds } from './bare.ts'
import { ownCpuSeconds } from './cpu-time.ts'
import { fillGroup, startRoom } from './group.ts'

export interface Lives {
  readonly count: number
  readonly roomCpuSeconds: number
  readonly roomLvmCommands: number
  readonly bareCpuSeconds: number
}

/** In the guest: volumes made and removed one after another, through the room and by a script. */
export const measureLives = async (disk: string, count: number): Promise<Lives> => {
  await fillGroup(0)
  const room = await startRoom(disk)
  const before = await ownCpuSeconds()
  const commandsBefore = room.commands.length
  for (let index = 0; index < count; index++) {
    const request = requestFor(room.group, 4n * MIB)
    const { handle, name } = await room.volumes.createVolume(request)
    await room.volumes.removeVolume(handle, {
      name,
      claimUid: request.record.claimUid,
      erase: request.record.erase,
    })
  }
  const roomCpuSeconds = (await ownCpuSeconds()) - before
  const lvmCommands = room.commands.slice(commandsBefore).filter((each) => lvmSubcommand(each) !== undefined)
  await room.close()
  const names = Array.from({ length: count }, (_, index) => `bare-${index}`)
  return {
    count,
    roomCpuSeconds,
    roomLvmCommands: lvmCommands.length,
    bareCpuSeconds: await bareLivesCpuSeconds(disk, room.group, names),
  }
}

export const lifeFigures = ({
  count,
  roomCpuSeconds,
  roomLvmCommands,
  bareCpuSeconds,
}: Lives): readonly Figure[] => [
  {
    name: 'lvm/cpu-create-delete',
    ratio: roomCpuSeconds / bareCpuSeconds,
    goal: { atMost: 1.2 },
    raw: {
      roomCpuSecondsPer100: (roomCpuSeconds * 100) / count,
      bareCpuSecondsPer100: (bareCpuSeconds * 100) / count,
      roomLvmCommandsPerVolume: roomLvmCommands / count,
      volumes: count,
    },
    method: `user and system time of the process and its children for ${count} volumes made and removed through the room, over bash doing lvcreate, sync, lvremove, sync`,
  },
]
