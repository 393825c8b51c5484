import { findMappedVolume } from '../lvm/device-mapper.ts'
import { NotStaged, UnknownVolume } from './errors.ts'
import { requireAccess, type Access } from './capability.ts'
import type { NodePublishVolumeRequest, NodePublishVolumeResponse } from './gen/csi.ts'
import { holdDirectory, requirePath, type HeldPath, type PathField } from './held-path.ts'
import { mountAt, readMounts } from './mount-table.ts'
import { carriesVolume } from './mounted-volume.ts'
import type { NodeContext } from './node-context.ts'
import { bindAtTarget, type Publication } from './publication.ts'
import type { UnaryHandler } from './unary.ts'
import { requireHandle, requirePresent } from './volume-id.ts'

type Subject = Pick<Publication, 'volumeId' | 'handle'>

/** The mounted file system at the staging path. @throws NotStaged when that is not this volume. */
const stagedFileSystem = async ({ volumeId, handle }: Subject, place: PathField): Promise<HeldPath> => {
  const mount = mountAt(await readMounts(), place.path)
  if (mount === undefined || !(await carriesVolume(mount, handle))) {
    throw new NotStaged(volumeId, `it is not mounted at staging path "${place.path}"`)
  }
  const held = await holdDirectory(place)
  if (held === undefined) throw new NotStaged(volumeId, `staging path "${place.path}" is gone`)
  return held
}

/** The device of a block volume, as the kernel has it. @throws NotStaged when there is none, UnknownVolume. */
const stagedDevice = async (context: NodeContext, { volumeId, handle }: Subject): Promise<HeldPath> => {
  const mapped = await findMappedVolume(handle)
  if (mapped !== undefined) return { heldPath: mapped.path, [Symbol.asyncDispose]: () => Promise.resolve() }
  if ((await context.volumes.findVolume(handle)) !== undefined) {
    throw new NotStaged(volumeId, 'its logical volume is not active')
  }
  throw new UnknownVolume(volumeId, 'there is no such logical volume on this node')
}

const requireStagingPath = (path: string, volumeId: string): void => {
  if (path === '') throw new NotStaged(volumeId, 'the request has no staging_target_path')
}

const isReadOnly = (access: Access, readonly: boolean): boolean => readonly || access.sharing === 'readOnly'

/**
 * NodePublishVolume: shows the staged volume at the target path, which is made here: a directory for a file system, a
 * file for a block volume. The kernel does not keep a read-only mount of a device node from being written through;
 * there it is kubelet that gives the container the device read-only.
 */
export const nodePublishVolume =
  (context: NodeContext): UnaryHandler<NodePublishVolumeRequest, NodePublishVolumeResponse> =>
  async (request) => {
    const { volumeId, stagingTargetPath, targetPath } = request
    requirePresent({ volume_id: volumeId, target_path: targetPath })
    const access = requireAccess(request.volumeCapability)
    requireStagingPath(stagingTargetPath, volumeId)
    const staging = requirePath(context.kubeletDirectory, 'staging_target_path', stagingTargetPath)
    const target = requirePath(context.kubeletDirectory, 'target_path', targetPath)
    const handle = requireHandle(volumeId)
    const subject = { volumeId, handle }
    await context.locks.run(volumeId, 'NodePublishVolume', async () => {
      await using source =
        access.kind === 'block'
          ? await stagedDevice(context, subject)
          : await stagedFileSystem(subject, staging)
      await bindAtTarget(context, {
        ...subject,
        kind: access.kind === 'block' ? 'file' : 'directory',
        source: source.heldPath,
        stagingPath: staging.path,
        target,
        readOnly: isReadOnly(access, request.readonly),
        onePodOnly: access.sharing === 'onePod',
      })
    })
    return {}
  }
