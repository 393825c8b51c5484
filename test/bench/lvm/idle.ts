import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../support/eventually.ts'
import { lvmSubcommand } from '../../node/lvm/fixture.ts'
import type { Figure } from '../report.ts'
import { fillGroup, startRoom } from './group.ts'

const SECONDS = 60
const COPIES = '/run/bench-copies'
const COPY_WITHIN_MS = 60_000

export interface Idle {
  readonly volumes: number
  readonly asked: number
  readonly lvmCommands: number
  /** Processes and threads that the whole VM started meanwhile: nothing that the room does can be missing in it. */
  readonly startedInVm: number
}

/** proc_stat(5), `processes`: forks since boot. */
export const startedSinceBoot = async (): Promise<number> =>
  Number(/^processes (\d+)$/m.exec(await readFile('/proc/stat', 'utf8'))?.[1])

/** In the guest: the room does nothing but answer how things are, once a second. */
export const measureIdle = async (disk: string, volumes: number): Promise<Idle> => {
  await fillGroup(volumes)
  const room = await startRoom(disk, { metadataDirectory: COPIES })
  await room.volumes.inventory()
  await eventually(
    'the copy of the metadata that follows a change',
    async () => (await readdir(COPIES).catch(() => [])).some((name) => name.endsWith('.vg')),
    COPY_WITHIN_MS,
  )
  const startedBefore = await startedSinceBoot()
  const commandsBefore = room.commands.length
  const end = performance.now() + SECONDS * 1000
  let asked = 0
  for (; performance.now() < end; asked++) {
    const next = performance.now() + 1000
    await room.volumes.inventory()
    await sleep(Math.max(0, next - performance.now()))
  }
  const lvmCommands = room.commands.slice(commandsBefore).filter((each) => lvmSubcommand(each) !== undefined)
  const startedInVm = (await startedSinceBoot()) - startedBefore
  await room.close()
  return { volumes, asked, lvmCommands: lvmCommands.length, startedInVm }
}

export const idleFigures = ({ volumes, asked, lvmCommands, startedInVm }: Idle): readonly Figure[] => [
  {
    name: 'lvm/idle-commands',
    ratio: lvmCommands / (SECONDS / 60),
    goal: { atMost: 0 },
    raw: { lvmCommands, startedInVm, asked, volumes },
    method: `LVM processes that the room started in ${SECONDS} s with ${volumes} volumes and no change, asked for the inventory once a second; a minute of it`,
  },
]
