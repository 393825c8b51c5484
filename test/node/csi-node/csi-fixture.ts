import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { status, type ServiceError } from '@grpc/grpc-js'

import { formatVolumeHandle, type VolumeHandle } from '../../../core/naming.ts'
import type { FileSystem } from '../../../core/volume-tags.ts'
import {
  VolumeCapability_AccessMode_Mode as Mode,
  type NodeExpandVolumeResponse,
  type NodeGetVolumeStatsResponse,
  type NodePublishVolumeResponse,
  type NodeStageVolumeResponse,
  type NodeUnpublishVolumeResponse,
  type NodeUnstageVolumeResponse,
  type VolumeCapability,
} from '../../../csi-node/gen/csi.ts'
import { readMountAt, readMounts } from '../../../csi-node/mount-table.ts'
import type { Mount } from '../../../lvm/mounts.ts'
import type { NodeVolumes, VolumeGroup } from '../../../lvm/types.ts'
import { ask, startCsiNode, type CsiHarness } from '../../unit/csi-node/csi-harness.ts'
import { thrownBy } from '../../unit/csi-node/thrown-by.ts'
import {
  attachDisks,
  detachDisks,
  disk,
  groupOn,
  MIB,
  requestFor,
  run,
  startNode,
  usualRunner,
  wipe,
} from '../lvm/fixture.ts'

/** Beneath the directory that the fixture of lvm/ unmounts everything in. */
export const KUBELET_DIRECTORY = '/run/loam-test/kubelet'

export type Content = FileSystem | 'block'

/** Small, but as large as each mkfs wants it. */
const SIZE_BYTES: Record<Content, bigint> = {
  ext4: 32n * MIB,
  xfs: 304n * MIB,
  btrfs: 128n * MIB,
  block: 16n * MIB,
}

export interface Wishes {
  readonly mode?: Mode
  readonly fsType?: Content
  readonly mountFlags?: string[]
  readonly readonly?: boolean
}

const capabilityFor = (
  content: Content,
  { mode = Mode.SINGLE_NODE_MULTI_WRITER, mountFlags = [] }: Wishes,
): VolumeCapability => ({
  accessMode: { mode },
  accessType:
    content === 'block'
      ? { $case: 'block', value: {} }
      : { $case: 'mount', value: { fsType: content, mountFlags, volumeMountGroup: '' } },
})

/** One logical volume, and kubelet's calls for it. */
export class TestVolume {
  readonly #service: CsiHarness['service']
  readonly #content: Content
  readonly handle: VolumeHandle
  readonly id: string
  readonly staging: string

  constructor(service: CsiHarness['service'], handle: VolumeHandle, content: Content) {
    this.#service = service
    this.#content = content
    this.handle = handle
    this.id = formatVolumeHandle(handle)
    this.staging = join(
      KUBELET_DIRECTORY,
      'plugins/kubernetes.io/csi/loam.storage',
      handle.volumeUuid,
      'globalmount',
    )
  }

  /** Where a pod of that name would see it. */
  target(pod: string): string {
    return join(KUBELET_DIRECTORY, 'pods', pod, 'volumes/kubernetes.io~csi', this.handle.volumeUuid, 'mount')
  }

  async stage(wishes: Wishes = {}, stagingTargetPath = this.staging): Promise<NodeStageVolumeResponse> {
    await mkdir(stagingTargetPath, { recursive: true })
    return this.stageAt(stagingTargetPath, wishes)
  }

  /** Stages without making the directory first. */
  stageAt(stagingTargetPath: string, wishes: Wishes = {}): Promise<NodeStageVolumeResponse> {
    const request = {
      volumeId: this.id,
      publishContext: {},
      stagingTargetPath,
      volumeCapability: capabilityFor(wishes.fsType ?? this.#content, wishes),
      secrets: {},
      volumeContext: {},
    }
    return ask((done) => this.#service.nodeStageVolume(request, done))
  }

  unstage(stagingTargetPath = this.staging): Promise<NodeUnstageVolumeResponse> {
    return ask((done) => this.#service.nodeUnstageVolume({ volumeId: this.id, stagingTargetPath }, done))
  }

  async publish(pod: string, wishes: Wishes = {}): Promise<NodePublishVolumeResponse> {
    const targetPath = this.target(pod)
    await mkdir(join(targetPath, '..'), { recursive: true })
    return this.publishAt(targetPath, wishes)
  }

  /** Publishes without making the directory around it first. */
  publishAt(targetPath: string, wishes: Wishes = {}): Promise<NodePublishVolumeResponse> {
    const request = {
      volumeId: this.id,
      publishContext: {},
      stagingTargetPath: this.staging,
      targetPath,
      volumeCapability: capabilityFor(wishes.fsType ?? this.#content, wishes),
      readonly: wishes.readonly ?? false,
      secrets: {},
      volumeContext: {},
    }
    return ask((done) => this.#service.nodePublishVolume(request, done))
  }

  unpublish(pod: string): Promise<NodeUnpublishVolumeResponse> {
    return this.unpublishAt(this.target(pod))
  }

  unpublishAt(targetPath: string): Promise<NodeUnpublishVolumeResponse> {
    return ask((done) => this.#service.nodeUnpublishVolume({ volumeId: this.id, targetPath }, done))
  }

  expand(volumePath: string, requiredBytes: bigint): Promise<NodeExpandVolumeResponse> {
    const request = {
      ...{ volumeId: this.id, volumePath, stagingTargetPath: this.staging, secrets: {} },
      capacityRange: { requiredBytes, limitBytes: 0n },
    }
    return ask((done) => this.#service.nodeExpandVolume(request, done))
  }

  stats(volumePath: string): Promise<NodeGetVolumeStatsResponse> {
    return ask((done) =>
      this.#service.nodeGetVolumeStats({ volumeId: this.id, volumePath, stagingTargetPath: '' }, done),
    )
  }
}

/** Real LVM, real mounts, and the CSI service of the node over its socket. */
export class CsiFixture {
  readonly #close: () => Promise<void>
  readonly #group: VolumeGroup
  readonly #handles = new Map<string, VolumeHandle>()
  #csi: CsiHarness
  readonly volumes: NodeVolumes

  private constructor(parts: {
    csi: CsiHarness
    volumes: NodeVolumes
    group: VolumeGroup
    close: () => Promise<void>
  }) {
    this.#csi = parts.csi
    this.#group = parts.group
    this.#close = parts.close
    this.volumes = parts.volumes
  }

  /** For all tests of a file. */
  static async start(diskMib?: number): Promise<CsiFixture> {
    await attachDisks(diskMib)
    const node = await startNode()
    const group = await groupOn(node.volumes, disk(0), disk(1))
    const csi = await startOn(node.volumes)
    return new CsiFixture({ csi, volumes: node.volumes, group, close: () => node.close() })
  }

  /** As when the agent's pod is replaced while volumes are in use. */
  async restart(): Promise<void> {
    await this.#csi[Symbol.asyncDispose]()
    this.#csi = await startOn(this.volumes)
  }

  /**
   * A logical volume for this content, made once for all tests of the file: LVM takes its time. `which` tells several
   * of one content apart.
   */
  async volume(content: Content, which = 0): Promise<TestVolume> {
    const key = `${content} ${which}`
    const known = this.#handles.get(key)
    const handle = known ?? (await this.#make(content))
    this.#handles.set(key, handle)
    return new TestVolume(this.#csi.service, handle, content)
  }

  async #make(content: Content): Promise<VolumeHandle> {
    const request = requestFor(this.#group, SIZE_BYTES[content], { content })
    return (await this.volumes.createVolume(request)).handle
  }

  async isActive({ handle }: TestVolume): Promise<boolean> {
    const volume = await this.volumes.findVolume(handle)
    if (volume === undefined) throw new Error(`there is no logical volume ${handle.volumeUuid}`)
    return volume.active
  }

  /** Errors that the agent itself did not expect: answers for which nobody wrote a text. */
  unexpectedErrors(): readonly string[] {
    const lines = this.#csi.log.filter(({ message }) => message.startsWith('unexpected error'))
    return lines.map(({ fields }) => JSON.stringify(fields))
  }

  /** Unmounts and removes everything that pods have. */
  async clearPods(): Promise<void> {
    await this.#clear(join(KUBELET_DIRECTORY, 'pods'))
  }

  /** Nothing is mounted, no volume is active, kubelet's paths are gone. */
  async clearAll(): Promise<void> {
    await this.clearPods()
    await this.#clear(join(KUBELET_DIRECTORY, 'plugins/kubernetes.io'))
    const { volumes } = await this.volumes.inventory()
    for (const { handle, active } of volumes) if (active) await this.volumes.releaseVolume(handle)
  }

  async #clear(directory: string): Promise<void> {
    const beneath = (await readMounts()).filter(({ mountPoint }) => mountPoint.startsWith(`${directory}/`))
    for (const { mountPoint } of beneath.reverse()) await run('umount', mountPoint)
    await rm(directory, { recursive: true, force: true })
  }

  async stop(): Promise<void> {
    await this.#csi[Symbol.asyncDispose]()
    await this.#close()
    await wipe(disk(0), disk(1))
    await detachDisks()
    await rm(KUBELET_DIRECTORY, { recursive: true, force: true })
  }
}

const startOn = (volumes: NodeVolumes): Promise<CsiHarness> =>
  startCsiNode({
    volumes,
    runner: usualRunner,
    kubeletDirectory: KUBELET_DIRECTORY,
    // PersistentVolumes that say nothing of how they are mounted
    mountOptionsOf: () => [],
  })

/** Code and text that a call ends with. */
export const failureOf = async (promise: Promise<unknown>): Promise<{ code: string; details: string }> => {
  const { code, details } = (await thrownBy(promise)) as ServiceError
  return { code: status[code], details }
}

export const mountedAt = (path: string): Promise<Mount | undefined> => readMountAt(path)
