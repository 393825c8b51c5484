import type { VolumeRecord } from '../core/volume-tags.ts'
import { contentOf, requireAccess, usualFileSystem } from './capability.ts'
import { InvalidField, UnknownVolume } from './errors.ts'
import type {
  ValidateVolumeCapabilitiesRequest,
  ValidateVolumeCapabilitiesResponse,
  VolumeCapability,
} from './gen/csi.ts'
import type { NodeContext } from './node-context.ts'
import type { UnaryHandler } from './unary.ts'
import { requireHandle, requirePresent } from './volume-id.ts'

type Subject = Pick<ValidateVolumeCapabilitiesRequest, 'volumeContext'> & {
  readonly content: VolumeRecord['content'] | undefined
}

/** Why the volume cannot be used like this; undefined when it can. */
const faultOf = (capability: VolumeCapability, { volumeContext, content }: Subject): string | undefined => {
  try {
    const wanted = contentOf(requireAccess(capability, usualFileSystem(volumeContext)))
    return content === wanted
      ? undefined
      : `the volume is for ${content ?? 'nobody knows what'}, not ${wanted}`
  } catch (error) {
    if (error instanceof InvalidField) return error.message
    throw error
  }
}

/** ValidateVolumeCapabilities: confirms all of them, or says why not. Changes nothing. */
export const validateVolumeCapabilities =
  (
    context: NodeContext,
  ): UnaryHandler<ValidateVolumeCapabilitiesRequest, ValidateVolumeCapabilitiesResponse> =>
  async ({ volumeId, volumeCapabilities, volumeContext, parameters, mutableParameters }) => {
    requirePresent({ volume_id: volumeId })
    if (volumeCapabilities.length === 0) throw new InvalidField('volume_capabilities', 'they are missing')
    const found = await context.volumes.findVolume(requireHandle(volumeId))
    if (found === undefined) throw new UnknownVolume(volumeId, 'there is no such logical volume on this node')
    if (Object.keys(mutableParameters).length > 0)
      return { message: 'mutable_parameters: a volume of Loam has none' }
    const subject = { volumeContext, content: found.record?.content }
    const fault = volumeCapabilities.map((each) => faultOf(each, subject)).find((each) => each !== undefined)
    if (fault !== undefined) return { message: fault }
    return { confirmed: { volumeContext, volumeCapabilities, parameters, mutableParameters }, message: '' }
  }
