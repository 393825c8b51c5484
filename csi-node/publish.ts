import { findMappedVolume } from '../lvm/device-mapper.ts'
import { NotStaged, UnknownVolume } from './errors.ts'
import { requireAccess, usualFileSystem, type Access } from './capability.ts'
import type { NodePublishVolumeRequest, NodePublishVolumeResponse } from './gen/csi.ts'
import { holdMounted } from './held-mount.ts'
import { holdParent, requirePath, type HeldPath, type PathField } from './held-path.ts'
import { requireLabel, splitLabel } from './mount-label.ts'
import { carriesVolume } from './mounted-volume.ts'
import type { NodeContext } from './node-context.ts'
import { bindAtTarget, type Publication } from './publication.ts'
import type { UnaryHandler } from './unary.ts'
import { requireHandle, requirePresent } from './volume-id.ts'

type Subject = Pick<Publication, 'volumeId' | 'handle'>
/** What is shown to the pod; held open when it is a directory. */
type Source = Pick<HeldPath, 'heldPath'> & AsyncDisposable

/**
 * The mounted file system at the staging path.
 * @throws NotStaged when that is not this volume, PublishedOtherwise when it has another SELinux label.
 */
const stagedFileSystem = async (
  { volumeId, handle }: Subject,
  place: PathField,
  label: string | undefined,
): Promise<Source> => {
  await using parent = await holdParent(place)
  const held = parent === undefined ? undefined : await holdMounted(parent)
  try {
    if (held === undefined || !(await carriesVolume(held.mount, handle)))
      throw new NotStaged(volumeId, `it is not mounted at staging path "${place.path}"`)
    requireLabel(held.mount, volumeId, label)
    return held
  } catch (error) {
    await held?.[Symbol.asyncDispose]()
    throw error
  }
}

/** The device of a block volume, as the kernel has it. @throws NotStaged when there is none, UnknownVolume. */
const stagedDevice = async (context: NodeContext, { volumeId, handle }: Subject): Promise<Source> => {
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
    const { capability, label } = splitLabel(request.volumeCapability)
    const access = requireAccess(capability, usualFileSystem(request.volumeContext))
    requireStagingPath(stagingTargetPath, volumeId)
    const staging = requirePath(context.kubeletDirectory, 'staging_target_path', stagingTargetPath)
    const target = requirePath(context.kubeletDirectory, 'target_path', targetPath)
    const handle = requireHandle(volumeId)
    const subject = { volumeId, handle }
    await context.locks.run(volumeId, 'NodePublishVolume', async () => {
      await using source =
        access.kind === 'block'
          ? await stagedDevice(context, subject)
          : await stagedFileSystem(subject, staging, label)
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
