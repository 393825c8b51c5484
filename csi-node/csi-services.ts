import type { Server } from '@grpc/grpc-js'

import type { Logger } from '../core/logger.ts'
import { controllerService } from './controller-service.ts'
import {
  ControllerService,
  IdentityService,
  NodeService,
  type IdentityServer,
  type NodeServer,
} from './gen/csi.ts'
import { nodeExpandVolume } from './expand.ts'
import { pluginCapabilities, pluginInfo } from './identity.ts'
import type { NodeContext } from './node-context.ts'
import { nodeCapabilities, nodeInfo } from './node-info.ts'
import { nodePublishVolume } from './publish.ts'
import { nodeStageVolume } from './stage.ts'
import { unary } from './unary.ts'
import { nodeUnpublishVolume } from './unpublish.ts'
import { nodeUnstageVolume } from './unstage.ts'
import { nodeGetVolumeStats } from './volume-stats.ts'

export interface CsiServicesOptions {
  readonly context: NodeContext
  readonly version: string
  /** Whether callers may make and delete volumes. */
  readonly createsVolumes: boolean
  readonly log: Logger
}

/** The services behind the driver's socket: Identity, Node, and Controller for this node's volumes. */
export const addCsiServices = (server: Server, options: CsiServicesOptions): void => {
  const { context, version, createsVolumes, log } = options
  const identity: IdentityServer = {
    getPluginInfo: unary(() => Promise.resolve(pluginInfo(version)), log),
    getPluginCapabilities: unary(() => Promise.resolve(pluginCapabilities()), log),
    probe: unary(() => Promise.resolve({ ready: true }), log),
  }
  const node: NodeServer = {
    nodeGetInfo: unary(() => Promise.resolve(nodeInfo(context.nodeName)), log),
    nodeGetCapabilities: unary(() => Promise.resolve(nodeCapabilities()), log),
    nodeStageVolume: unary(nodeStageVolume(context), log),
    nodeUnstageVolume: unary(nodeUnstageVolume(context), log),
    nodePublishVolume: unary(nodePublishVolume(context), log),
    nodeUnpublishVolume: unary(nodeUnpublishVolume(context), log),
    nodeGetVolumeStats: unary(nodeGetVolumeStats, log),
    nodeExpandVolume: unary(nodeExpandVolume(context), log),
  }
  server.addService(IdentityService, identity)
  server.addService(NodeService, node)
  server.addService(ControllerService, controllerService(context, { createsVolumes, log }))
}
