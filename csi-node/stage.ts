import type { VolumeHandle } from '../core/naming.ts'
import type { Mount } from '../lvm/mounts.ts'
import { requireAccess, requireMkfsOptions, type FileSystemAccess } from './capability.ts'
import { MountFailed, PathOccupied, PublishedOtherwise } from './errors.ts'
import type { NodeStageVolumeRequest, NodeStageVolumeResponse } from './gen/csi.ts'
import { holdDirectory, requirePath, type PathField } from './held-path.ts'
import { mountAt, readMounts } from './mount-table.ts'
import { carriesVolume } from './mounted-volume.ts'
import type { NodeContext } from './node-context.ts'
import type { UnaryHandler } from './unary.ts'
import { requireHandle, requirePresent } from './volume-id.ts'

/** Every mount of a volume has these: no set-uid programs, no device files out of a tenant's data. */
const ALWAYS = ['nosuid', 'nodev']

interface Staging {
  readonly volumeId: string
  readonly handle: VolumeHandle
  readonly place: PathField
  readonly access: FileSystemAccess
  readonly mkfsOptions: readonly string[]
}

/** Content when this volume is mounted there as wanted; anything else that is there is left alone. */
const checkStaged = async (mount: Mount, { volumeId, handle, place, access }: Staging): Promise<void> => {
  if (!(await carriesVolume(mount, handle))) {
    throw new PathOccupied(
      place.path,
      `"${mount.source}" (${mount.fileSystemType}) is mounted there, and it is not volume "${volumeId}"`,
      'find out who mounted it, and unmount it by hand',
    )
  }
  if (access.fileSystem !== mount.fileSystemType) {
    throw new PublishedOtherwise(
      place.path,
      `volume "${volumeId}" is staged there as ${mount.fileSystemType}, and ${access.fileSystem} is wanted`,
    )
  }
}

const mountVolume = async (context: NodeContext, staging: Staging, signal: AbortSignal): Promise<void> => {
  const { handle, place, access, mkfsOptions } = staging
  await using directory = await holdDirectory(place)
  if (directory === undefined) {
    throw new PathOccupied(place.path, 'there is no such directory', 'the caller has to make it first')
  }
  const content = { kind: 'fileSystem', type: access.fileSystem, mkfsOptions } as const
  const { devicePath } = await context.volumes.prepareVolume(handle, content)
  signal.throwIfAborted()
  await context.mounts.mountDevice({
    devicePath,
    fileSystem: access.fileSystem,
    options: [...ALWAYS, ...access.mountOptions],
    target: directory.heldPath,
    shownPath: place.path,
  })
}

const stageFileSystem = async (
  context: NodeContext,
  staging: Staging,
  signal: AbortSignal,
): Promise<void> => {
  const before = mountAt(await readMounts(), staging.place.path)
  if (before !== undefined) return checkStaged(before, staging)
  await mountVolume(context, staging, signal)
  const after = mountAt(await readMounts(), staging.place.path)
  if (after === undefined) {
    throw new MountFailed(staging.place.path, 'mount reported success, and nothing is mounted there')
  }
  await checkStaged(after, staging)
}

/**
 * NodeStageVolume: makes the volume ready for this node, which includes formatting it if it was never formatted, and
 * mounts its file system at the staging path. A block volume is made ready, and nothing is mounted.
 */
export const nodeStageVolume =
  (context: NodeContext): UnaryHandler<NodeStageVolumeRequest, NodeStageVolumeResponse> =>
  async (request, { signal }) => {
    const { volumeId, stagingTargetPath, volumeContext } = request
    requirePresent({ volume_id: volumeId, staging_target_path: stagingTargetPath })
    const access = requireAccess(request.volumeCapability)
    const place = requirePath(context.kubeletDirectory, 'staging_target_path', stagingTargetPath)
    const handle = requireHandle(volumeId)
    const mkfsOptions = requireMkfsOptions(volumeContext)
    await context.locks.run(volumeId, 'NodeStageVolume', async () => {
      if (access.kind === 'block') await context.volumes.prepareVolume(handle, { kind: 'block' })
      else await stageFileSystem(context, { volumeId, handle, place, access, mkfsOptions }, signal)
    })
    return {}
  }
