import { DRIVER_NAME } from '../core/naming.ts'
import {
  PluginCapability_Service_Type as ServiceType,
  PluginCapability_VolumeExpansion_Type as ExpansionType,
  type GetPluginCapabilitiesResponse,
  type GetPluginInfoResponse,
} from './gen/csi.ts'

export const pluginInfo = (version: string): GetPluginInfoResponse => ({
  name: DRIVER_NAME,
  vendorVersion: version,
  manifest: {},
})

/** A volume is reachable from one node only, and grows while it is in use. */
export const pluginCapabilities = (): GetPluginCapabilitiesResponse => ({
  capabilities: [
    { type: { $case: 'service', value: { type: ServiceType.CONTROLLER_SERVICE } } },
    { type: { $case: 'service', value: { type: ServiceType.VOLUME_ACCESSIBILITY_CONSTRAINTS } } },
    { type: { $case: 'volumeExpansion', value: { type: ExpansionType.ONLINE } } },
  ],
})
