import type { Logger } from '../core/logger.ts'
import { createVolume } from './create-volume.ts'
import { deleteVolume } from './delete-volume.ts'
import { NotServed } from './errors.ts'
import { controllerExpandVolume } from './expand-logical-volume.ts'
import {
  ControllerServiceCapability_RPC_Type as Capability,
  type ControllerGetCapabilitiesResponse,
  type ControllerServer,
} from './gen/csi.ts'
import { getCapacity } from './get-capacity.ts'
import { controllerGetVolume, listVolumes } from './list-volumes.ts'
import type { NodeContext } from './node-context.ts'
import { unary, type UnaryHandler } from './unary.ts'
import { validateVolumeCapabilities } from './validate-capabilities.ts'

const ALWAYS = [
  ...[Capability.LIST_VOLUMES, Capability.GET_VOLUME, Capability.GET_CAPACITY],
  ...[Capability.EXPAND_VOLUME, Capability.VOLUME_CONDITION, Capability.SINGLE_NODE_MULTI_WRITER],
]

const capabilities = (createsVolumes: boolean): ControllerGetCapabilitiesResponse => ({
  capabilities: [...(createsVolumes ? [Capability.CREATE_DELETE_VOLUME] : []), ...ALWAYS].map((type) => ({
    type: { $case: 'rpc', value: { type } },
  })),
})

const notServed =
  (method: string, what: string, advice = '') =>
  (): Promise<never> =>
    Promise.reject(new NotServed(method, what, advice))

/**
 * The Controller service of this node, for the volumes of this node. Agents make the volumes of claims by themselves, so
 * CreateVolume and DeleteVolume are for other callers, and served only where a setting says so.
 */
export const controllerService = (
  context: NodeContext,
  { createsVolumes, log }: { readonly createsVolumes: boolean; readonly log: Logger },
): ControllerServer => {
  const whereSet = <Request, Response>(
    method: string,
    handler: UnaryHandler<Request, Response>,
  ): UnaryHandler<Request, Response> =>
    createsVolumes
      ? handler
      : notServed(
          method,
          'it is not served here: claims get their volumes from the agent itself',
          'set LOAM_CSI_CREATE_DELETE of the agent to "on" when another provisioner is to make volumes',
        )
  const never = (method: string) => unary(notServed(method, 'this plugin does not have it'), log)
  return {
    createVolume: unary(whereSet('CreateVolume', createVolume(context)), log),
    deleteVolume: unary(whereSet('DeleteVolume', deleteVolume(context)), log),
    validateVolumeCapabilities: unary(validateVolumeCapabilities(context), log),
    listVolumes: unary(listVolumes(context), log),
    controllerGetVolume: unary(controllerGetVolume(context), log),
    getCapacity: unary(getCapacity(context), log),
    controllerExpandVolume: unary(controllerExpandVolume(context), log),
    controllerGetCapabilities: unary(() => Promise.resolve(capabilities(createsVolumes)), log),
    controllerPublishVolume: never('ControllerPublishVolume'),
    controllerUnpublishVolume: never('ControllerUnpublishVolume'),
    controllerModifyVolume: never('ControllerModifyVolume'),
    createSnapshot: never('CreateSnapshot'),
    deleteSnapshot: never('DeleteSnapshot'),
    listSnapshots: never('ListSnapshots'),
    getSnapshot: never('GetSnapshot'),
  }
}
