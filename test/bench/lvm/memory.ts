import type { NodeVolumes } from '../../../lvm/types.ts'
import type { Figure } from '../report.ts'
import { fillGroup, startRoom } from './group.ts'

const LOOKS = 10

interface Use {
  readonly residentBytes: number
  readonly heapBytes: number
}

export interface Memory {
  readonly volumes: number
  readonly empty: Use
  readonly full: Use
}

/** After enough work for buffers to have their usual size, and after what nobody holds is gone. */
const useOf = async (room: NodeVolumes): Promise<Use> => {
  if (globalThis.gc === undefined) throw new Error('run node with --expose-gc')
  for (let look = 0; look < LOOKS; look++) await room.inventory()
  for (let pass = 0; pass < 3; pass++) globalThis.gc()
  const { rss, heapUsed } = process.memoryUsage()
  return { residentBytes: rss, heapBytes: heapUsed }
}

/** In the guest: what the process holds when the group is empty, and when it is not. */
export const measureMemory = async (disk: string, volumes: number): Promise<Memory> => {
  await fillGroup(0)
  const room = await startRoom(disk)
  const empty = await useOf(room.volumes)
  await fillGroup(volumes)
  const full = await useOf(room.volumes)
  await room.close()
  return { volumes, empty, full }
}

export const memoryFigures = ({ volumes, empty, full }: Memory): readonly Figure[] => [
  {
    name: 'lvm/memory-slope',
    ratio: full.residentBytes / empty.residentBytes,
    goal: { atMost: 1.1 },
    raw: {
      residentBytesPerVolume: (full.residentBytes - empty.residentBytes) / volumes,
      heapBytesPerVolume: (full.heapBytes - empty.heapBytes) / volumes,
      emptyResidentBytes: empty.residentBytes,
      volumes,
    },
    method: `resident memory of the process after ${LOOKS} inventories and a collection, with ${volumes} volumes over none; bundled, with the flags of the image`,
  },
]
