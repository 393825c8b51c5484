import { randomUUID } from 'node:crypto'
import type { VolumeHandle } from '../../../core/naming.ts'
import { groupTagsOf, tagsOf, type VolumeRecord } from '../../../core/volume-tags.ts'
import type { GroupChange } from '../../../lvm/group-watch.ts'
import type { LogicalVolume, VolumeGroup } from '../../../lvm/types.ts'

export const EXTENT_BYTES = 4n << 20n

/** A UUID as LVM writes them. */
const lvmUuid = (): string => {
  const letters = randomUUID().replaceAll('-', '')
  return [6, 10, 14, 18, 22, 26].reduceRight((uuid, at) => `${uuid.slice(0, at)}-${uuid.slice(at)}`, letters)
}

/** What a volume's making or removal is asked to do wrong, once. */
export type LvmFault = 'noSpaceMidway' | 'unknownBefore' | 'unknownAfter'

/** A volume that was removed, as it was at that moment. */
export interface Removal {
  readonly volume: LogicalVolume
  readonly by: 'agent' | 'hand'
  readonly atMs: number
}

/** What is on the disks of one node: it outlives every agent. One group, linear volumes. */
export class NodeMemory {
  readonly nodeName: string
  readonly #extents: bigint
  readonly #groupUuid = lvmUuid()
  readonly #diskUuid = lvmUuid()
  readonly #volumes = new Map<string, LogicalVolume>()
  #groupName: string | undefined
  clusterId = ''
  #seqno = 0
  /** Told of what a person does. */
  onHandChange: (groupName: string, change: GroupChange) => void = () => undefined
  readonly removals: Removal[] = []
  /** When volumes of a name were refused for want of space, by `performance.now()`; the last time of each. */
  readonly refusedAt = new Map<string, number>()
  /** Free bytes since a moment of `performance.now()`, oldest first. */
  readonly freeHistory: { readonly atMs: number; readonly freeBytes: bigint }[] = []
  /** What goes wrong next, in order. */
  readonly faults: LvmFault[] = []
  /** While creates are held, settles when they are let go. */
  #hold: PromiseWithResolvers<undefined> | undefined

  constructor(nodeName: string, extents: bigint) {
    this.nodeName = nodeName
    this.#extents = extents
    this.#changed()
  }

  get volumes(): readonly LogicalVolume[] {
    return [...this.#volumes.values()]
  }

  get freeBytes(): bigint {
    const taken = this.volumes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0n)
    return this.#extents * EXTENT_BYTES - taken
  }

  /** Undefined until it is made. */
  get group(): VolumeGroup | undefined {
    if (this.#groupName === undefined) return undefined
    const sizeBytes = this.#extents * EXTENT_BYTES
    const freeExtents = this.freeBytes / EXTENT_BYTES
    const common = { sizeBytes, freeBytes: this.freeBytes }
    return {
      ...{ ...common, name: this.#groupName, uuid: this.#groupUuid, extentSizeBytes: EXTENT_BYTES },
      ...{ seqno: this.#seqno, tags: groupTagsOf(this.clusterId), missingPhysicalVolumes: 0 },
      physicalVolumes: [
        {
          ...{ ...common, uuid: this.#diskUuid, devicePath: '/dev/vdb', missing: false, allocatable: true },
          freeRuns: freeExtents === 0n ? [] : [{ first: this.#extents - freeExtents, count: freeExtents }],
          ...{ firstExtentAtBytes: 1n << 20n, tags: [] },
        },
      ],
    }
  }

  makeGroup(name: string, clusterId: string): void {
    if (this.#groupName !== undefined) return
    this.#groupName = name
    this.clusterId = clusterId
    this.#changed()
  }

  /** From now on no volume is made. */
  holdCreates(): void {
    this.#hold ??= Promise.withResolvers()
  }

  releaseCreates(): void {
    this.#hold?.resolve(undefined)
    this.#hold = undefined
  }

  async beforeCreate(): Promise<void> {
    await this.#hold?.promise
  }

  /** Takes away what goes wrong, and nobody holds a volume any more. */
  heal(): void {
    this.faults.splice(0)
    this.releaseCreates()
    for (const volume of this.volumes)
      if (volume.open) this.byHand(() => this.replace({ ...volume, open: false }))
  }

  find(name: string): LogicalVolume | undefined {
    return this.#volumes.get(name)
  }

  byHandle({ volumeUuid }: VolumeHandle): LogicalVolume | undefined {
    return this.volumes.find(({ handle }) => handle.volumeUuid === volumeUuid)
  }

  /** The space has been looked at. */
  add(name: string, sizeBytes: bigint, record: VolumeRecord | undefined): LogicalVolume {
    const volume: LogicalVolume = {
      handle: { groupUuid: this.#groupUuid, volumeUuid: lvmUuid() },
      ...{ name, sizeBytes, groupName: this.#groupName ?? '', record },
      ...{ tags: record === undefined ? [] : tagsOf(record), active: false, open: false },
      ...{ segmentType: 'linear', health: '', syncPercent: undefined },
    }
    this.replace(volume)
    return volume
  }

  replace(volume: LogicalVolume): LogicalVolume {
    this.#volumes.set(volume.name, volume)
    this.#changed()
    return volume
  }

  remove(volume: LogicalVolume, by: Removal['by']): void {
    this.#volumes.delete(volume.name)
    this.removals.push({ volume, by, atMs: performance.now() })
    this.#changed()
  }

  /** A person changes something on the node; the agent's watch of the disks sees it. */
  byHand(change: () => void): void {
    change()
    this.onHandChange(this.#groupName ?? '', 'metadata')
  }

  #changed(): void {
    this.#seqno += 1
    this.freeHistory.push({ atMs: performance.now(), freeBytes: this.freeBytes })
  }
}
