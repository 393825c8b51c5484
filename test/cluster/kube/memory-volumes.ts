import type { VolumeHandle } from '../../../core/naming.ts'
import { NotFound, Refused } from '../../../lvm/errors.ts'
import type {
  CreateVolumeRequest,
  EnsureGroupResult,
  ExtendVolumeRequest,
  Inventory,
  LogicalVolume,
  NodeVolumes,
} from '../../../lvm/types.ts'

/** A UUID as LVM writes them, made of the letters and digits of a text. */
const lvmUuid = (text: string): string => {
  const letters = text
    .replaceAll(/[^a-zA-Z0-9]/g, '')
    .slice(-32)
    .padStart(32, '0')
  return [6, 10, 14, 18, 22, 26].reduceRight((uuid, at) => `${uuid.slice(0, at)}-${uuid.slice(at)}`, letters)
}

/** The one volume group of a node in memory. */
export const GROUP = {
  ...{
    name: 'loam-fast',
    uuid: lvmUuid('g'),
    sizeBytes: 1n << 30n,
    freeBytes: 1n << 30n,
    extentSizeBytes: 4n << 20n,
  },
  ...{ seqno: 1, tags: [], missingPhysicalVolumes: 0, physicalVolumes: [] },
}

type Made = Pick<CreateVolumeRequest, 'name' | 'sizeBytes' | 'groupName' | 'record'>

export const volumeOf = ({ name, sizeBytes, groupName, record }: Made): LogicalVolume => ({
  handle: { groupUuid: GROUP.uuid, volumeUuid: lvmUuid(name) },
  ...{ name, sizeBytes, groupName, record, tags: [], active: false, open: false },
  ...{ segmentType: 'linear', health: '', syncPercent: undefined },
})

/** LVM in memory: that it fails midway, or loses its answer, cannot be had from a real one at will. */
export class VolumesInMemory {
  readonly made = new Map<string, LogicalVolume>()
  /** Names of those that were asked for and made, also if they are gone by now. */
  readonly created: string[] = []
  /** Called with the requests before each is made. */
  onCreate: (request: CreateVolumeRequest) => Promise<void> = () => Promise.resolve()

  readonly createVolume = async (request: CreateVolumeRequest): Promise<LogicalVolume> => {
    const found = this.made.get(request.name)
    if (found !== undefined) return found
    await this.onCreate(request)
    this.created.push(request.name)
    return this.put(request)
  }
  readonly createVolumes = async (requests: readonly CreateVolumeRequest[]): Promise<LogicalVolume[]> => {
    const volumes: LogicalVolume[] = []
    for (const request of requests) volumes.push(await this.createVolume(request))
    return volumes
  }
  /** Does what lvm/unused.ts asks for: the volume has to be the one that is meant. */
  readonly removeVolume: NodeVolumes['removeVolume'] = async (handle, expected) => {
    const found = await this.findVolume(handle)
    if (found === undefined) return
    const { name, record } = found
    if (name !== expected.name || record?.claimUid !== expected.claimUid || record.erase !== expected.erase)
      throw new Refused(`logical volume "${name}"`, 'is not the volume that was meant')
    this.made.delete(name)
  }
  readonly findVolume = ({ volumeUuid }: VolumeHandle): Promise<LogicalVolume | undefined> =>
    Promise.resolve([...this.made.values()].find(({ handle }) => handle.volumeUuid === volumeUuid))
  readonly extendVolume = async ({ handle, sizeBytes }: ExtendVolumeRequest): Promise<LogicalVolume> => {
    const found = await this.findVolume(handle)
    if (found === undefined) throw new NotFound('logical volume', 'is not there')
    const larger = { ...found, sizeBytes: sizeBytes > found.sizeBytes ? sizeBytes : found.sizeBytes }
    this.made.set(found.name, larger)
    return larger
  }
  readonly inventory = (): Promise<Inventory> =>
    Promise.resolve({ groups: [GROUP], volumes: [...this.made.values()], unseen: [] })
  readonly ensureGroup = (): Promise<EnsureGroupResult> =>
    Promise.resolve({ group: GROUP, disks: [], problem: undefined })
  readonly forgetGroup = (): void => undefined

  /** A volume that is there without having been asked for. */
  put(volume: Made): LogicalVolume {
    const made = volumeOf(volume)
    this.made.set(volume.name, made)
    return made
  }

  /** As the first NodeStage leaves it: somebody's data is on it. */
  use(name: string): void {
    const found = this.made.get(name)
    if (found?.record === undefined) throw new Error(`no volume ${name}`)
    this.made.set(name, { ...found, record: { ...found.record, state: 'used' } })
  }
}
