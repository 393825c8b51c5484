import { guardedMountOptions } from '../core/mount-options.ts'
import type { VolumeHandle } from '../core/naming.ts'
import type { FileSystem } from '../core/volume-tags.ts'
import type { Mount } from '../lvm/mounts.ts'
import { requireAccess, requireMkfsOptions, usualFileSystem, type FileSystemAccess } from './capability.ts'
import { MountFailed, PathOccupied, PublishedOtherwise } from './errors.ts'
import type { NodeStageVolumeRequest, NodeStageVolumeResponse } from './gen/csi.ts'
import { growMounted } from './grow-mounted.ts'
import { holdMounted, type HeldMount } from './held-mount.ts'
import { holdEntry, holdParent, requirePath, type HeldParent, type PathField } from './held-path.ts'
import {
  isSameLabel,
  labelOf,
  labelOptions,
  requireFromKubelet,
  requireLabel,
  splitLabel,
} from './mount-label.ts'
import { carriesVolume } from './mounted-volume.ts'
import { requireMounted } from './new-mount.ts'
import type { NodeContext } from './node-context.ts'
import type { UnaryHandler } from './unary.ts'
import { unmountVolume } from './unmount-volume.ts'
import { requireHandle, requirePresent } from './volume-id.ts'

/** mkfs.ext4 makes file systems that go on writing when they find themselves damaged; xfs and btrfs stop by themselves. */
const WHEN_DAMAGED: Record<FileSystem, readonly string[]> = {
  ext4: ['errors=remount-ro'],
  xfs: [],
  btrfs: [],
}

interface Staging {
  readonly volumeId: string
  readonly handle: VolumeHandle
  readonly place: PathField
  readonly access: FileSystemAccess
  readonly mkfsOptions: readonly string[]
  /** SELinux label for all files, which kubelet took from the pod. */
  readonly label: string | undefined
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

const noDirectory = ({ place }: Staging): PathOccupied =>
  new PathOccupied(place.path, 'there is no such directory', 'the caller has to make it first')

/**
 * mount(8) drops the label without a word when it sees no SELinux. The pod could then read nothing, because kubelet leaves
 * the labelling to the mount.
 */
const refuseUnlabelled = async (
  context: NodeContext,
  parent: HeldParent,
  { place, volumeId }: Staging,
): Promise<never> => {
  await unmountVolume(context, parent, volumeId)
  throw new MountFailed(place.path, 'mount left the SELinux label out, and it was unmounted again', {
    advice:
      'mount(8) sees no SELinux in the container of the agent: install it with daemonset/selinux, or set seLinuxMount ' +
      'of CSIDriver loam.storage to false',
  })
}

const mountVolume = async (
  context: NodeContext,
  parent: HeldParent,
  staging: Staging,
  signal: AbortSignal,
): Promise<HeldMount> => {
  const { volumeId, handle, place, access, mkfsOptions, label } = staging
  if (label !== undefined) requireFromKubelet(context.mountOptionsOf(handle), volumeId)
  await using directory = await holdEntry(parent, 'directory')
  if (directory === undefined) throw noDirectory(staging)
  const content = { kind: 'fileSystem', type: access.fileSystem, mkfsOptions } as const
  const { devicePath } = await context.volumes.prepareVolume(handle, content)
  signal.throwIfAborted()
  await context.mounts.mountDevice({
    devicePath,
    fileSystem: access.fileSystem,
    options: [
      ...guardedMountOptions([...WHEN_DAMAGED[access.fileSystem], ...access.mountOptions]),
      ...labelOptions(label),
    ],
    target: directory.heldPath,
    shownPath: place.path,
  })
  const mounted = await requireMounted(context, parent, directory, volumeId)
  if (isSameLabel(labelOf(mounted.mount), label)) return mounted
  // what is held open cannot be unmounted
  await mounted[Symbol.asyncDispose]()
  return await refuseUnlabelled(context, parent, staging)
}

/** A crash, or a volume that grew while no pod had it, leaves a file system that is smaller than its volume. */
const growStaged = async (context: NodeContext, { handle }: Staging, mounted: HeldMount): Promise<void> => {
  if (!mounted.mount.options.includes('ro')) await growMounted(context, handle, mounted)
}

const stageFileSystem = async (
  context: NodeContext,
  staging: Staging,
  signal: AbortSignal,
): Promise<void> => {
  await using parent = await holdParent(staging.place)
  if (parent === undefined) throw noDirectory(staging)
  await using mounted = (await holdMounted(parent)) ?? (await mountVolume(context, parent, staging, signal))
  await checkStaged(mounted.mount, staging)
  requireLabel(mounted.mount, staging.volumeId, staging.label)
  await growStaged(context, staging, mounted)
}

/**
 * NodeStageVolume: makes the volume ready for this node, which includes formatting it if it was never formatted, and
 * mounts its file system at the staging path, and grows it when it is smaller than its volume. A block volume is made ready, and nothing is mounted.
 */
export const nodeStageVolume =
  (context: NodeContext): UnaryHandler<NodeStageVolumeRequest, NodeStageVolumeResponse> =>
  async (request, { signal }) => {
    const { volumeId, stagingTargetPath, volumeContext } = request
    requirePresent({ volume_id: volumeId, staging_target_path: stagingTargetPath })
    const { capability, label } = splitLabel(request.volumeCapability)
    const access = requireAccess(capability, usualFileSystem(volumeContext))
    const place = requirePath(context.kubeletDirectory, 'staging_target_path', stagingTargetPath)
    const handle = requireHandle(volumeId)
    const mkfsOptions = requireMkfsOptions(volumeContext)
    await context.locks.run(volumeId, 'NodeStageVolume', async () => {
      if (access.kind === 'block') await context.volumes.prepareVolume(handle, { kind: 'block' })
      else await stageFileSystem(context, { volumeId, handle, place, access, mkfsOptions, label }, signal)
    })
    return {}
  }
