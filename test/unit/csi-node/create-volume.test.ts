import { expect } from 'chai'

import {
  VolumeCapability_AccessMode_Mode as Mode,
  type CreateVolumeRequest,
} from '../../../csi-node/gen/csi.ts'
import { block, byTheAgent, ControllerNode, elsewhere, failureOf, here, mounted } from './controller-calls.ts'
import { CLUSTER, MIB } from './memory-room.ts'

describe('CreateVolume', () => {
  let node: ControllerNode
  beforeEach(async () => {
    node = await ControllerNode.start()
  })
  afterEach(() => node.stop())

  it('makes a volume in whole extents, on this node, that says who made it', async () => {
    const { volume } = await node.create()
    expect(volume).to.deep.include({ capacityBytes: 12n * MIB, accessibleTopology: [here] })
    expect(volume?.volumeContext).to.deep.equal({ 'loam.storage/fileSystem': 'ext4' })
    const [request] = node.room.asked
    expect(request?.record).to.include({ state: 'new', clusterId: CLUSTER, madeBy: 'csi', content: 'ext4' })
    expect(request?.record.claimName).to.equal('Some-Volume')
    expect(request?.name).to.equal(`pvc-${request?.record.claimUid}`)
  })

  it('gives the same volume again, and another for another name', async () => {
    const id = await node.idOf()
    expect(await node.idOf()).to.equal(id)
    expect(await node.idOf({ name: 'some volume' })).not.to.equal(id)
    expect(node.room.volumes).to.have.length(2)
  })

  it("keeps external-provisioner's name, and the claim that it tells", async () => {
    const uid = '01234567-89ab-4def-8123-456789abcdef'
    const metadata = {
      'csi.storage.k8s.io/pvc/name': 'data',
      'csi.storage.k8s.io/pvc/namespace': 'shop',
      'csi.storage.k8s.io/pv/name': `pvc-${uid}`,
    }
    await node.create({ name: `pvc-${uid}`, parameters: { volumeGroup: 'loam-fast', ...metadata } })
    expect(node.room.asked[0]?.name).to.equal(`pvc-${uid}`)
    expect(node.room.asked[0]?.record).to.include({
      claimUid: uid,
      claimNamespace: 'shop',
      claimName: 'data',
    })
  })

  it('takes the file system of the parameters where the caller names none, and tells staging of it', async () => {
    const parameters = { volumeGroup: 'loam-fast', 'csi.storage.k8s.io/fstype': 'xfs', mkfsOptions: '-K' }
    const range = { requiredBytes: 300n * MIB, limitBytes: 0n }
    const { volume } = await node.create({ parameters, capacityRange: range })
    expect(volume?.volumeContext).to.deep.equal({
      'loam.storage/fileSystem': 'xfs',
      'loam.storage/mkfsOptions': '-K',
    })
  })

  it('takes up to the limit, and 1 GiB where nothing is said', async () => {
    const limited = { requiredBytes: 0n, limitBytes: 8n * MIB }
    expect((await node.create({ name: 'small', capacityRange: limited })).volume?.capacityBytes).to.equal(
      8n * MIB,
    )
    node.room.groups = node.room.groups.map((group) => ({ ...group }))
    const { volume } = await node.create({ name: 'usual', capacityRange: undefined })
    expect(volume?.capacityBytes).to.equal(1024n * MIB)
  })

  const differences: [string, Partial<CreateVolumeRequest>, string][] = [
    [
      'another size',
      { capacityRange: { requiredBytes: 20n * MIB, limitBytes: 20n * MIB } },
      `it has ${12n * MIB} bytes`,
    ],
    ['another content', { volumeCapabilities: [block] }, 'it is for ext4, not block'],
    ['another erase method', { parameters: { volumeGroup: 'loam-fast', erase: 'discard' } }, 'erase method'],
    ['another group', { parameters: { volumeGroup: 'loam-slow' } }, 'it is in volume group "loam-fast"'],
    [
      'another layout',
      { parameters: { volumeGroup: 'loam-fast', layout: 'striped', stripes: '2' } },
      'it is linear, not striped',
    ],
  ]
  for (const [what, changes, reason] of differences)
    it(`answers ALREADY_EXISTS for ${what} under the same name`, async () => {
      await node.create()
      const failure = await failureOf(node.create(changes))
      expect(failure).to.match(/^ALREADY_EXISTS volume "Some Volume": it exists, and /)
      expect(failure).to.include(reason)
      expect(node.room.volumes).to.have.length(1)
    })

  it('answers ALREADY_EXISTS for the name of a volume that the agent made', async () => {
    await node.create()
    node.room.volumes = node.room.volumes.map(({ record, ...volume }) => {
      if (record === undefined) throw new Error('no record')
      return { ...volume, record: byTheAgent(record) }
    })
    expect(await failureOf(node.create())).to.include('it was not made by a CSI call')
  })

  const refusals: [string, Partial<CreateVolumeRequest>, RegExp][] = [
    ['no name', { name: '' }, /^INVALID_ARGUMENT name: it is missing/],
    ['a name of 129 bytes', { name: 'é'.repeat(64) + 'x' }, /^INVALID_ARGUMENT name: it has 129 bytes/],
    ['no capability', { volumeCapabilities: [] }, /^INVALID_ARGUMENT volume_capabilities: they are missing/],
    [
      'capabilities that differ',
      { volumeCapabilities: [mounted(), block] },
      /^INVALID_ARGUMENT volume_capabilities: one volume cannot be ext4 and block/,
    ],
    [
      'writers on several nodes',
      { volumeCapabilities: [mounted('', Mode.MULTI_NODE_MULTI_WRITER)] },
      /^INVALID_ARGUMENT .*MULTI_NODE_MULTI_WRITER is not possible/,
    ],
    ['no group', { parameters: {} }, /^INVALID_ARGUMENT parameters\["volumeGroup"\]: it is missing/],
    [
      'an unknown group',
      { parameters: { volumeGroup: 'other' } },
      /^INVALID_ARGUMENT parameters\["volumeGroup"\]: no volume group "other" of Loam/,
    ],
    [
      'an unknown parameter',
      { parameters: { volumeGroup: 'loam-fast', tier: 'gold' } },
      /^INVALID_ARGUMENT parameters: parameter "tier" is unknown/,
    ],
    [
      'a limit below the size',
      { capacityRange: { requiredBytes: 10n, limitBytes: 5n } },
      /^OUT_OF_RANGE capacity_range: limit_bytes 5 is below required_bytes 10/,
    ],
    [
      'a limit below a whole extent',
      { capacityRange: { requiredBytes: 5n * MIB, limitBytes: 6n * MIB } },
      /^OUT_OF_RANGE capacity_range: a volume of whole extents has 8 MiB/,
    ],
    [
      'a size below zero',
      { capacityRange: { requiredBytes: -1n, limitBytes: 0n } },
      /^INVALID_ARGUMENT capacity_range/,
    ],
    [
      'a file system that needs more',
      { volumeCapabilities: [mounted('xfs')] },
      /^OUT_OF_RANGE capacity_range: xfs needs at least/,
    ],
    [
      'a source',
      { volumeContentSource: { type: { $case: 'volume', value: { volumeId: 'x' } } } },
      /^INVALID_ARGUMENT volume_content_source/,
    ],
    [
      'another node',
      { accessibilityRequirements: { requisite: [elsewhere], preferred: [] } },
      /^RESOURCE_EXHAUSTED accessibility_requirements: .*node-2.*on node "node-1" only/,
    ],
  ]
  for (const [what, changes, failure] of refusals)
    it(`refuses ${what}, and makes nothing`, async () => {
      expect(await failureOf(node.create(changes))).to.match(failure)
      expect(node.room.asked).to.deep.equal([])
    })

  it('uses no group that misses a disk', async () => {
    node.room.groups = node.room.groups.map((group) => ({ ...group, missingPhysicalVolumes: 1 }))
    expect(await failureOf(node.create())).to.match(/^INVALID_ARGUMENT .*can be used on this node now/)
  })
})
