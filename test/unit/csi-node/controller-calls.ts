import { status, type ServiceError } from '@grpc/grpc-js'

import { TOPOLOGY_KEY } from '../../../core/naming.ts'
import type { VolumeRecord } from '../../../core/volume-tags.ts'
import {
  VolumeCapability_AccessMode_Mode as Mode,
  type ControllerExpandVolumeResponse,
  type CreateVolumeRequest,
  type CreateVolumeResponse,
  type VolumeCapability,
} from '../../../csi-node/gen/csi.ts'
import type { NodeVolumes } from '../../../lvm/types.ts'
import { ask, startCsiNode, type CsiHarness } from './csi-harness.ts'
import { MemoryRoom, MIB } from './memory-room.ts'
import { thrownBy } from './thrown-by.ts'

export const failureOf = async (promise: Promise<unknown>): Promise<string> => {
  const { code, details } = (await thrownBy(promise)) as ServiceError
  return `${status[code]} ${details}`
}

export const mounted = (fsType = '', mode: Mode = Mode.SINGLE_NODE_WRITER): VolumeCapability => ({
  accessMode: { mode },
  accessType: { $case: 'mount', value: { fsType, mountFlags: [], volumeMountGroup: '' } },
})
export const block: VolumeCapability = {
  accessMode: { mode: Mode.SINGLE_NODE_WRITER },
  accessType: { $case: 'block', value: {} },
}
export const here = { segments: { [TOPOLOGY_KEY]: 'node-1' } }
export const elsewhere = { segments: { [TOPOLOGY_KEY]: 'node-2' } }

/** As it is in the tags of a volume that no CSI call made. */
export const byTheAgent = (record: VolumeRecord): VolumeRecord => {
  const own = { ...record }
  delete own.madeBy
  return own
}

/** The controller service of a node whose volumes are in memory, and the calls that more than one test makes. */
export class ControllerNode {
  readonly room: MemoryRoom
  csi: CsiHarness

  private constructor(room: MemoryRoom, csi: CsiHarness) {
    this.room = room
    this.csi = csi
  }

  static async start(): Promise<ControllerNode> {
    const room = new MemoryRoom()
    return new ControllerNode(
      room,
      await startCsiNode({ volumes: room as unknown as NodeVolumes, createsVolumes: true }),
    )
  }

  /** As where LOAM_CSI_CREATE_DELETE is not set. */
  async restartWithoutCreating(): Promise<void> {
    await this.stop()
    this.csi = await startCsiNode({ volumes: this.room as unknown as NodeVolumes })
  }

  stop(): PromiseLike<void> {
    return this.csi[Symbol.asyncDispose]()
  }

  create(changes: Partial<CreateVolumeRequest> = {}): Promise<CreateVolumeResponse> {
    const request = {
      ...{ name: 'Some Volume', secrets: {}, mutableParameters: {}, volumeCapabilities: [mounted()] },
      parameters: { volumeGroup: 'loam-fast' },
      capacityRange: { requiredBytes: 10n * MIB, limitBytes: 0n },
      ...changes,
    }
    return ask((done) => this.csi.controller.createVolume(request, done))
  }

  async idOf(changes: Partial<CreateVolumeRequest> = {}): Promise<string> {
    return (await this.create(changes)).volume?.volumeId ?? ''
  }

  remove(volumeId: string): Promise<unknown> {
    return ask((done) => this.csi.controller.deleteVolume({ volumeId, secrets: {} }, done))
  }

  expand(
    volumeId: string,
    capacityRange?: { requiredBytes: bigint; limitBytes: bigint },
  ): Promise<ControllerExpandVolumeResponse> {
    const range = capacityRange === undefined ? {} : { capacityRange }
    return ask((done) =>
      this.csi.controller.controllerExpandVolume({ volumeId, secrets: {}, ...range }, done),
    )
  }
}
