import {
  NodeServiceCapability_RPC_Type as Capability,
  type NodeGetCapabilitiesResponse,
  type NodeGetInfoResponse,
} from './gen/csi.ts'
import { topologyOf } from './our-volumes.ts'

/**
 * SINGLE_NODE_MULTI_WRITER makes kubelet tell ReadWriteOnce from ReadWriteOncePod; without it both arrive as
 * SINGLE_NODE_WRITER.
 */
const CAPABILITIES = [
  Capability.STAGE_UNSTAGE_VOLUME,
  Capability.GET_VOLUME_STATS,
  Capability.VOLUME_CONDITION,
  Capability.EXPAND_VOLUME,
  Capability.SINGLE_NODE_MULTI_WRITER,
]

export const nodeCapabilities = (): NodeGetCapabilitiesResponse => ({
  capabilities: CAPABILITIES.map((type) => ({ type: { $case: 'rpc', value: { type } } })),
})

/** The Node's name is the node id and the topology segment; there is no limit on volumes but space. */
export const nodeInfo = (nodeName: string): NodeGetInfoResponse => ({
  nodeId: nodeName,
  maxVolumesPerNode: 0n,
  accessibleTopology: topologyOf(nodeName),
})
