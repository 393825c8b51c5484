import type { VolumeHandle } from '../../../core/naming.ts'
import { NotFound } from '../../../lvm/errors.ts'
import type { LogicalVolume, NodeVolumes, WantedContent } from '../../../lvm/types.ts'

const notForThisTest = (): never => {
  throw new Error('csi-node does not call this')
}

/** Volumes without LVM, for tests whose point is the protocol. Each answer can be held back or replaced by an error. */
export class MemoryVolumes implements NodeVolumes {
  readonly calls: string[] = []
  readonly inventory = notForThisTest
  readonly ensureGroup = notForThisTest
  readonly forgetGroup = notForThisTest
  readonly createVolume = notForThisTest
  readonly createVolumes = notForThisTest
  readonly removeVolume = notForThisTest
  readonly extendVolume = notForThisTest
  readonly growFileSystem = notForThisTest
  readonly #known: VolumeHandle
  readonly #active = new Set<string>()
  /** Runs within each call of prepareVolume and releaseVolume. */
  interlude: () => Promise<void> = () => Promise.resolve()

  constructor(known: VolumeHandle) {
    this.#known = known
  }

  findVolume(handle: VolumeHandle): Promise<LogicalVolume | undefined> {
    this.calls.push('find')
    if (!this.#knows(handle)) return Promise.resolve(undefined)
    return Promise.resolve({
      handle,
      groupName: 'group',
      name: 'volume',
      sizeBytes: 1n << 30n,
      tags: [],
      record: undefined,
      active: this.#active.has(handle.volumeUuid),
      open: false,
      segmentType: 'linear',
      health: '',
      syncPercent: undefined,
    })
  }

  async prepareVolume(
    handle: VolumeHandle,
    content: WantedContent,
  ): ReturnType<NodeVolumes['prepareVolume']> {
    this.calls.push(`prepare ${content.kind}`)
    await this.interlude()
    if (!this.#knows(handle)) throw new NotFound(`logical volume ${handle.volumeUuid}`, 'there is none')
    this.#active.add(handle.volumeUuid)
    return { devicePath: '/dev/mapper/none', fileSystem: undefined }
  }

  async releaseVolume(handle: VolumeHandle): Promise<void> {
    this.calls.push('release')
    await this.interlude()
    this.#active.delete(handle.volumeUuid)
  }

  #knows(handle: VolumeHandle): boolean {
    return handle.groupUuid === this.#known.groupUuid && handle.volumeUuid === this.#known.volumeUuid
  }
}
