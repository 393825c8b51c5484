import { DRIVER_NAME } from '../core/naming.ts'
import {
  PluginCapability_Service_Type as ServiceType,
  type GetPluginCapabilitiesResponse,
  type GetPluginInfoResponse,
} from './gen/csi.ts'

export const pluginInfo = (version: string): GetPluginInfoResponse => ({
  name: DRIVER_NAME,
  vendorVersion: version,
  manifest: {},
})

/** A volume is reachable from one node only. Making and deleting volumes is not done over CSI. */
export const pluginCapabilities = (): GetPluginCapabilitiesResponse => ({
  capabilities: [
    { type: { $case: 'service', value: { type: ServiceType.VOLUME_ACCESSIBILITY_CONSTRAINTS } } },
  ],
})
