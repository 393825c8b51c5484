import type { VolumeHandle } from '../core/naming.ts'
import { InvalidField, MountedReadOnly, NotStaged, UnknownVolume, VolumeTooSmall } from './errors.ts'
import type { NodeExpandVolumeRequest, NodeExpandVolumeResponse } from './gen/csi.ts'
import { growMounted } from './grow-mounted.ts'
import { holdMounted, type HeldMount } from './held-mount.ts'
import { holdParent, requirePath, type PathField } from './held-path.ts'
import { carriesVolume, isDeviceNode, mountedDeviceBytes } from './mounted-volume.ts'
import type { NodeContext } from './node-context.ts'
import type { UnaryHandler } from './unary.ts'
import { requireHandle, requirePresent } from './volume-id.ts'

interface Expansion {
  readonly volumeId: string
  readonly handle: VolumeHandle
  /** Where the volume may be mounted; the staging path first, because a pod's own mount may be read-only. */
  readonly places: readonly PathField[]
}

const findMount = async ({ handle, places }: Expansion): Promise<HeldMount | undefined> => {
  for (const place of places) {
    await using parent = await holdParent(place)
    const mounted = parent === undefined ? undefined : await holdMounted(parent)
    if (mounted !== undefined && (await carriesVolume(mounted.mount, handle))) return mounted
    await mounted?.[Symbol.asyncDispose]()
  }
  return undefined
}

/** Size of a volume that is mounted nowhere: only that of a block volume is any answer. */
const unmountedBytes = async (
  context: NodeContext,
  { volumeId, handle, places }: Expansion,
): Promise<bigint> => {
  const volume = await context.volumes.findVolume(handle)
  if (volume === undefined) throw new UnknownVolume(volumeId, 'there is no such logical volume on this node')
  if (volume.record?.content === 'block') return volume.sizeBytes
  throw new NotStaged(volumeId, `it is not mounted at ${places.map(({ path }) => `"${path}"`).join(' or ')}`)
}

/** The logical volume is made larger before kubelet is told to call; a volume that is not is never made so here. */
const requireSize = (volumeId: string, hasBytes: bigint, requiredBytes: bigint): void => {
  if (hasBytes < requiredBytes) throw new VolumeTooSmall(volumeId, hasBytes, requiredBytes)
}

const expand = async (context: NodeContext, expansion: Expansion, requiredBytes: bigint): Promise<bigint> => {
  const { volumeId, handle } = expansion
  await using mounted = await findMount(expansion)
  const mount = mounted?.mount
  const hasBytes =
    mount === undefined ? await unmountedBytes(context, expansion) : await mountedDeviceBytes(mount)
  requireSize(volumeId, hasBytes, requiredBytes)
  if (mounted === undefined || isDeviceNode(mounted.mount)) return hasBytes
  if (mounted.mount.options.includes('ro')) throw new MountedReadOnly(volumeId, mounted.mount.mountPoint)
  await growMounted(context, handle, mounted)
  return hasBytes
}

/**
 * NodeExpandVolume: makes the mounted file system as large as its volume; there is nothing to do for a block volume.
 * Repeating it changes nothing. Asks the kernel and not LVM, so disks of the group that are away do not matter.
 */
export const nodeExpandVolume =
  (context: NodeContext): UnaryHandler<NodeExpandVolumeRequest, NodeExpandVolumeResponse> =>
  async ({ volumeId, volumePath, stagingTargetPath, capacityRange }) => {
    requirePresent({ volume_id: volumeId, volume_path: volumePath })
    const handle = requireHandle(volumeId)
    const requiredBytes = capacityRange?.requiredBytes ?? 0n
    if (requiredBytes < 0n)
      throw new InvalidField('capacity_range.required_bytes', `${requiredBytes} is negative`)
    const places = [
      ...(stagingTargetPath === ''
        ? []
        : [requirePath(context.kubeletDirectory, 'staging_target_path', stagingTargetPath)]),
      requirePath(context.kubeletDirectory, 'volume_path', volumePath),
    ]
    return await context.locks.run(volumeId, 'NodeExpandVolume', async () => ({
      capacityBytes: await expand(context, { volumeId, handle, places }, requiredBytes),
    }))
  }
