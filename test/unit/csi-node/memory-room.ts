import type { VolumeHandle } from '../../../core/naming.ts'
import { groupTagsOf } from '../../../core/volume-tags.ts'
import type {
  CreateVolumeRequest,
  ExtendVolumeRequest,
  Inventory,
  LogicalVolume,
  NodeVolumes,
  VolumeGroup,
} from '../../../lvm/types.ts'

export const CLUSTER = '11111111-2222-3333-4444-555555555555'
export const MIB = 1024n ** 2n
const EXTENT = 4n * MIB

const uuidOf = (number: number): string =>
  `abcdef-0000-0000-0000-0000-0000-${String(number).padStart(6, '0')}`

const groupOf = (name: string, number: number, extents: bigint): VolumeGroup => ({
  ...{ name, uuid: uuidOf(number), extentSizeBytes: EXTENT, seqno: 1, missingPhysicalVolumes: 0 },
  ...{ sizeBytes: extents * EXTENT, freeBytes: extents * EXTENT, tags: groupTagsOf(CLUSTER) },
  physicalVolumes: [
    {
      ...{ uuid: uuidOf(number + 1), devicePath: '/dev/sda', missing: false, allocatable: true, tags: [] },
      ...{ sizeBytes: extents * EXTENT, freeBytes: extents * EXTENT, firstExtentAtBytes: MIB },
      freeRuns: [{ first: 0n, count: extents }],
    },
  ],
})

/** Groups and volumes without LVM, for tests whose point is what the Controller service asks for and answers. */
export class MemoryRoom implements Partial<NodeVolumes> {
  groups: VolumeGroup[] = [groupOf('loam-fast', 10, 100n), groupOf('loam-slow', 20, 50n)]
  volumes: LogicalVolume[] = []
  readonly asked: CreateVolumeRequest[] = []
  #made = 100

  readonly inventory = (): Promise<Inventory> =>
    Promise.resolve({ groups: this.groups, volumes: this.volumes, unseen: [] })

  readonly findVolume = ({ volumeUuid }: VolumeHandle): Promise<LogicalVolume | undefined> =>
    Promise.resolve(this.volumes.find(({ handle }) => handle.volumeUuid === volumeUuid))

  readonly createVolume = (request: CreateVolumeRequest): Promise<LogicalVolume> => {
    this.asked.push(request)
    const found = this.volumes.find(({ name }) => name === request.name)
    return Promise.resolve(found ?? this.put(request))
  }

  readonly extendVolume = async ({ handle, sizeBytes }: ExtendVolumeRequest): Promise<LogicalVolume> => {
    const found = await this.findVolume(handle)
    if (found === undefined) throw new Error('no such volume')
    const larger = { ...found, sizeBytes: ((sizeBytes + EXTENT - 1n) / EXTENT) * EXTENT }
    this.volumes = this.volumes.map((each) => (each === found ? larger : each))
    return larger
  }

  readonly removeVolume: NodeVolumes['removeVolume'] = ({ volumeUuid }) => {
    this.volumes = this.volumes.filter(({ handle }) => handle.volumeUuid !== volumeUuid)
    return Promise.resolve()
  }

  put({ name, groupName, groupUuid, sizeBytes, layout, record }: CreateVolumeRequest): LogicalVolume {
    const volume: LogicalVolume = {
      handle: { groupUuid, volumeUuid: uuidOf(this.#made++) },
      ...{ name, groupName, sizeBytes, record, tags: [], active: false, open: false },
      ...{ segmentType: layout.name, health: '', syncPercent: undefined },
    }
    this.volumes.push(volume)
    return volume
  }
}
