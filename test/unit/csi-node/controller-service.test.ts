import { expect } from 'chai'

import { formatVolumeHandle } from '../../../core/naming.ts'
import {
  ControllerServiceCapability_RPC_Type as Capability,
  VolumeCapability_AccessMode_Mode as Mode,
  type ControllerGetCapabilitiesResponse,
  type ControllerGetVolumeResponse,
  type GetCapacityRequest,
  type GetCapacityResponse,
  type ListVolumesResponse,
  type ValidateVolumeCapabilitiesResponse,
  type VolumeCapability,
} from '../../../csi-node/gen/csi.ts'
import { ask } from './csi-harness.ts'
import { block, ControllerNode, elsewhere, failureOf, here, mounted } from './controller-calls.ts'
import { MIB } from './memory-room.ts'

describe('controllerService', () => {
  let node: ControllerNode
  beforeEach(async () => {
    node = await ControllerNode.start()
  })
  afterEach(() => node.stop())

  const capacity = (changes: Partial<GetCapacityRequest> = {}) =>
    ask<GetCapacityResponse>((done) =>
      node.csi.controller.getCapacity({ volumeCapabilities: [], parameters: {}, ...changes }, done),
    )
  const list = (maxEntries = 0, startingToken = '') =>
    ask<ListVolumesResponse>((done) => node.csi.controller.listVolumes({ maxEntries, startingToken }, done))
  const validate = (volumeId: string, volumeCapabilities: VolumeCapability[]) =>
    ask<ValidateVolumeCapabilitiesResponse>((done) =>
      node.csi.controller.validateVolumeCapabilities(
        {
          volumeId,
          volumeCapabilities,
          volumeContext: {},
          parameters: {},
          secrets: {},
          mutableParameters: {},
        },
        done,
      ),
    )
  const capabilities = async () => {
    const { capabilities: all } = await ask<ControllerGetCapabilitiesResponse>((done) =>
      node.csi.controller.controllerGetCapabilities({}, done),
    )
    return all.map(({ type }) => type?.value.type)
  }

  describe('ControllerExpandVolume', () => {
    const to = (mib: bigint, limitMib = 0n) => ({ requiredBytes: mib * MIB, limitBytes: limitMib * MIB })

    it('makes the volume larger, and says whether a file system has to follow', async () => {
      const id = await node.idOf()
      expect(await node.expand(id, to(30n))).to.deep.equal({
        capacityBytes: 32n * MIB,
        nodeExpansionRequired: true,
      })
      const device = await node.idOf({ name: 'raw', volumeCapabilities: [block] })
      expect((await node.expand(device, to(16n))).nodeExpansionRequired).to.equal(false)
    })

    it('changes nothing when it is large enough', async () => {
      expect((await node.expand(await node.idOf(), to(4n))).capacityBytes).to.equal(12n * MIB)
    })

    it('refuses bad sizes and unknown volumes', async () => {
      const id = await node.idOf()
      expect(await failureOf(node.expand('', to(1n)))).to.match(/^INVALID_ARGUMENT volume_id/)
      expect(await failureOf(node.expand(id))).to.match(/^INVALID_ARGUMENT capacity_range: it is missing/)
      expect(await failureOf(node.expand(id, to(17n, 18n)))).to.match(/^OUT_OF_RANGE/)
      expect(await failureOf(node.expand(id, to(1n, 8n)))).to.match(/^OUT_OF_RANGE/)
      await node.remove(id)
      expect(await failureOf(node.expand(id, to(1n)))).to.match(/^NOT_FOUND/)
      expect(await failureOf(node.expand('vol-1', to(1n)))).to.match(/^NOT_FOUND/)
    })
  })

  describe('GetCapacity', () => {
    it('is of all groups together, or of the one that is named', async () => {
      expect(await capacity()).to.include({ availableCapacity: 600n * MIB, maximumVolumeSize: 400n * MIB })
      const one = await capacity({ parameters: { volumeGroup: 'loam-slow' } })
      expect(one).to.include({ availableCapacity: 200n * MIB, maximumVolumeSize: 200n * MIB })
    })

    it('is nothing on another node, in an unknown group, and for a layout that does not fit', async () => {
      expect((await capacity({ accessibleTopology: here })).availableCapacity).to.equal(600n * MIB)
      expect((await capacity({ accessibleTopology: elsewhere })).availableCapacity).to.equal(0n)
      expect((await capacity({ parameters: { volumeGroup: 'other' } })).availableCapacity).to.equal(0n)
      const raid = { volumeGroup: 'loam-fast', layout: 'raid1' }
      expect((await capacity({ parameters: raid })).availableCapacity).to.equal(0n)
    })
  })

  describe('ListVolumes and ControllerGetVolume', () => {
    it('show the volumes of Loam page by page, whatever goes meanwhile', async () => {
      const ids = [
        await node.idOf({ name: 'a' }),
        await node.idOf({ name: 'b' }),
        await node.idOf({ name: 'c' }),
      ].sort()
      const first = await list(2)
      expect(first.entries.map(({ volume }) => volume?.volumeId)).to.deep.equal(ids.slice(0, 2))
      await node.remove(ids[1] ?? '')
      const rest = await list(2, first.nextToken)
      expect(rest.entries.map(({ volume }) => volume?.volumeId)).to.deep.equal(ids.slice(2))
      expect(rest.nextToken).to.equal('')
      expect((await list()).entries).to.have.length(2)
    })

    it('show no volume that is not known to be ours', async () => {
      await node.idOf()
      node.room.volumes = node.room.volumes.map((volume) => ({ ...volume, record: undefined }))
      expect((await list()).entries).to.deep.equal([])
    })

    it('refuse tokens that were not given out, and negative counts', async () => {
      expect(await failureOf(list(0, 'invalid-token'))).to.match(/^ABORTED starting_token/)
      expect(await failureOf(list(-1))).to.match(/^INVALID_ARGUMENT max_entries/)
    })

    it('say what LVM finds wrong with a volume', async () => {
      const id = await node.idOf()
      const get = () =>
        ask<ControllerGetVolumeResponse>((done) =>
          node.csi.controller.controllerGetVolume({ volumeId: id }, done),
        )
      expect((await get()).status?.volumeCondition?.abnormal).to.equal(false)
      node.room.volumes = node.room.volumes.map((volume) => ({ ...volume, health: 'partial' }))
      expect((await get()).status?.volumeCondition).to.deep.include({ abnormal: true })
      expect((await get()).volume?.volumeId).to.equal(
        formatVolumeHandle(node.room.volumes[0]?.handle ?? never()),
      )
      await node.remove(id)
      expect(await failureOf(get())).to.match(/^NOT_FOUND/)
    })
  })

  describe('ValidateVolumeCapabilities', () => {
    it('confirms what fits the volume', async () => {
      const { confirmed, message } = await validate(await node.idOf(), [mounted('ext4')])
      expect(confirmed?.volumeCapabilities).to.have.length(1)
      expect(message).to.equal('')
    })

    it('says what does not', async () => {
      const id = await node.idOf()
      for (const [capability, reason] of [
        [block, 'the volume is for ext4, not block'],
        [mounted('xfs'), 'not xfs'],
        [mounted('', Mode.MULTI_NODE_MULTI_WRITER), 'is not possible'],
      ] as const) {
        const { confirmed, message } = await validate(id, [mounted(), capability])
        expect(confirmed, message).to.equal(undefined)
        expect(message).to.include(reason)
      }
    })

    it('refuses requests without id or capabilities, and unknown volumes', async () => {
      expect(await failureOf(validate('', [block]))).to.match(/^INVALID_ARGUMENT/)
      expect(await failureOf(validate(await node.idOf(), []))).to.match(/^INVALID_ARGUMENT/)
      expect(await failureOf(validate('vol-1', [block]))).to.match(/^NOT_FOUND/)
    })
  })

  it('serves neither CreateVolume nor DeleteVolume where it is not set', async () => {
    expect(await capabilities()).to.include(Capability.CREATE_DELETE_VOLUME)
    const id = await node.idOf()
    await node.restartWithoutCreating()
    expect(await capabilities()).not.to.include(Capability.CREATE_DELETE_VOLUME)
    for (const call of [node.create(), node.remove(id)])
      expect(await failureOf(call)).to.match(/^UNIMPLEMENTED .*LOAM_CSI_CREATE_DELETE/)
    expect(node.room.volumes).to.have.length(1)
    expect((await list()).entries).to.have.length(1)
  })

  it('has no calls of attached volumes or of snapshots', async () => {
    const attach = ask((done) =>
      node.csi.controller.controllerUnpublishVolume({ volumeId: 'v', nodeId: 'n', secrets: {} }, done),
    )
    expect(await failureOf(attach)).to.match(/^UNIMPLEMENTED/)
    const drop = ask((done) => node.csi.controller.deleteSnapshot({ snapshotId: 's', secrets: {} }, done))
    expect(await failureOf(drop)).to.match(/^UNIMPLEMENTED/)
  })
})

const never = (): never => {
  throw new Error('there is no volume')
}
