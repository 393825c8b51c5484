import type { VolumeHandle } from '../core/naming.ts'
import type { Mount } from '../lvm/mounts.ts'
import { InvalidField, MountFailed, PathOccupied, PublishedOtherwise, SecondPod } from './errors.ts'
import { holdMounted, type HeldMount } from './held-mount.ts'
import { holdParent, type HeldParent, type PathField } from './held-path.ts'
import { readMounts } from './mount-table.ts'
import { carriesVolume, isDeviceNode } from './mounted-volume.ts'
import { requireMounted } from './new-mount.ts'
import type { NodeContext } from './node-context.ts'
import { holdNewTarget, type TargetKind } from './publish-target.ts'

/** A staged volume and the place where one pod is to see it. */
export interface Publication {
  readonly volumeId: string
  readonly handle: VolumeHandle
  readonly kind: TargetKind
  /** What is shown: the held staging directory, or the device. */
  readonly source: string
  readonly stagingPath: string
  readonly target: PathField
  readonly readOnly: boolean
  readonly onePodOnly: boolean
}

/** Options of the mount itself that changing it to read-only would drop, unless they are named again (mount(8)). */
const KEPT = ['nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'relatime']

/** Mounts of the same volume that kubelet makes itself, for subPath and for block volumes. */
const MADE_BY_KUBELET = /\/volume-subpaths\/|\/volumeDevices\/[^/]+\/dev\//

const checkSecondPod = async (
  mounts: readonly Mount[],
  kubeletDirectory: string,
  { volumeId, handle, stagingPath, target }: Publication,
): Promise<void> => {
  const candidates = mounts.filter(
    ({ mountPoint }) =>
      mountPoint.startsWith(`${kubeletDirectory}/`) &&
      mountPoint !== stagingPath &&
      mountPoint !== target.path &&
      !MADE_BY_KUBELET.test(mountPoint),
  )
  for (const mount of candidates) {
    if (await carriesVolume(mount, handle)) throw new SecondPod(volumeId, mount.mountPoint)
  }
}

const checkPublished = async (mount: Mount, publication: Publication): Promise<void> => {
  const { volumeId, handle, kind, target, readOnly } = publication
  if (!(await carriesVolume(mount, handle))) {
    throw new PathOccupied(
      target.path,
      `"${mount.source}" (${mount.fileSystemType}) is mounted there, and it is not volume "${volumeId}"`,
      'find out who mounted it, and unmount it by hand',
    )
  }
  if (isDeviceNode(mount) !== (kind === 'file')) {
    const [found, wanted] =
      kind === 'file' ? ['a file system', 'a block device'] : ['a block device', 'a file system']
    throw new PublishedOtherwise(target.path, `it is published there as ${found}, and ${wanted} is wanted`)
  }
  if (mount.options.includes('ro') && !readOnly) {
    throw new PublishedOtherwise(target.path, 'it is published there read-only, and is wanted writable')
  }
}

const bindNew = async (
  context: NodeContext,
  parent: HeldParent,
  { source, target, kind, volumeId }: Publication,
): Promise<HeldMount> => {
  await using held = await holdNewTarget(parent, kind)
  await context.mounts.bind({ source, target: held.heldPath, shownPath: target.path })
  return await requireMounted(context, parent, held, volumeId)
}

const requireReadOnly = async (
  context: NodeContext,
  target: PathField,
  { heldPath, mountId, mount }: HeldMount,
): Promise<void> => {
  const options = KEPT.filter((option) => mount.options.includes(option))
  await context.mounts.makeReadOnly({ target: heldPath, options, shownPath: target.path })
  const after = (await readMounts()).find(({ id }) => id === mountId)
  const missing = ['ro', ...options].filter((option) => after?.options.includes(option) !== true)
  if (missing.length > 0) {
    throw new MountFailed(target.path, `mount reported success, and it is still not ${missing.join(', ')}`)
  }
}

/**
 * Shows the source at the target path. Repeating it changes nothing. A mount that is there but still writable, as a
 * crash between the two steps leaves it, is made read-only when that is wanted; the other way round is refused.
 */
export const bindAtTarget = async (context: NodeContext, publication: Publication): Promise<void> => {
  const { target, readOnly, onePodOnly } = publication
  await using parent = await holdParent(target)
  if (parent === undefined) {
    throw new InvalidField(target.field, `the directory that "${target.path}" is in does not exist`)
  }
  if (onePodOnly) await checkSecondPod(await readMounts(), context.kubeletDirectory, publication)
  await using mounted = (await holdMounted(parent)) ?? (await bindNew(context, parent, publication))
  await checkPublished(mounted.mount, publication)
  if (readOnly && !mounted.mount.options.includes('ro')) await requireReadOnly(context, target, mounted)
}
