import { expect } from 'chai'

import {
  NodeServiceCapability_RPC_Type as NodeCapability,
  PluginCapability_Service_Type as ServiceType,
  PluginCapability_VolumeExpansion_Type as ExpansionType,
  type GetPluginCapabilitiesResponse,
  type NodeGetCapabilitiesResponse,
} from '../../../csi-node/gen/csi.ts'
import { type CsiHarness, ask, startCsiNode } from './csi-harness.ts'
import { MemoryVolumes } from './memory-volumes.ts'
import { HANDLE } from './node-calls.ts'

describe('identity and info of the node', () => {
  let csi: CsiHarness
  beforeEach(async () => {
    csi = await startCsiNode({ volumes: new MemoryVolumes(HANDLE) })
  })
  afterEach(() => csi[Symbol.asyncDispose]())

  it('gives name and version', async () => {
    const info = await ask((done) => csi.identity.getPluginInfo({}, done))
    expect(info).to.include({ name: 'loam.storage', vendorVersion: '1.2.3' })
  })

  it('says that a volume is bound to a place, that it grows while in use, and offers a controller service', async () => {
    const { capabilities } = await ask<GetPluginCapabilitiesResponse>((done) =>
      csi.identity.getPluginCapabilities({}, done),
    )
    expect(capabilities).to.deep.equal([
      { type: { $case: 'service', value: { type: ServiceType.CONTROLLER_SERVICE } } },
      { type: { $case: 'service', value: { type: ServiceType.VOLUME_ACCESSIBILITY_CONSTRAINTS } } },
      { type: { $case: 'volumeExpansion', value: { type: ExpansionType.ONLINE } } },
    ])
  })

  it('is ready', async () => {
    expect(await ask((done) => csi.identity.probe({}, done))).to.deep.equal({ ready: true })
  })

  it('gives the Node name as id and as topology', async () => {
    expect(await ask((done) => csi.service.nodeGetInfo({}, done))).to.deep.equal({
      nodeId: 'node-1',
      maxVolumesPerNode: 0n,
      accessibleTopology: { segments: { 'topology.loam.storage/node': 'node-1' } },
    })
  })

  it('lists its capabilities', async () => {
    const { capabilities } = await ask<NodeGetCapabilitiesResponse>((done) =>
      csi.service.nodeGetCapabilities({}, done),
    )
    expect(capabilities.map(({ type }) => type?.value.type)).to.deep.equal([
      NodeCapability.STAGE_UNSTAGE_VOLUME,
      NodeCapability.GET_VOLUME_STATS,
      NodeCapability.VOLUME_CONDITION,
      NodeCapability.EXPAND_VOLUME,
      NodeCapability.SINGLE_NODE_MULTI_WRITER,
    ])
  })
})
