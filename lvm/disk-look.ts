import { messageOf } from '../core/errors.ts'
import { findBlockDevice, isUnclaimed, type BlockDevice } from './block-device.ts'
import type { CommandRunner } from './command-runner.ts'
import { endsOf, findPartitionTable, firstNonZero, samplesOf, type PartitionTable } from './content.ts'
import { withDeadline } from './deadline.ts'
import { mountPointsOf, type HostUse } from './mounts.ts'
import { isDevicePath } from './names.ts'
import { LVM_LABEL, probeSignature, type PartitionEntry, type Signature } from './signature.ts'
import type { StuckWork } from './stuck-work.ts'

/** Everything that was found out about a listed disk, without writing to it. */
export type DiskLook =
  | { readonly kind: 'notADevicePath'; readonly path: string }
  | { readonly kind: 'missing'; readonly path: string; readonly detail: string }
  | { readonly kind: 'notABlockDevice'; readonly path: string; readonly devicePath: string }
  | {
      readonly kind: 'unreadable'
      readonly path: string
      readonly device?: BlockDevice
      readonly detail: string
    }
  | DeviceLook

export interface DeviceLook {
  readonly kind: 'device'
  readonly path: string
  readonly device: BlockDevice
  /** Of the device or of one of its partitions. */
  readonly mountPoints: readonly string[]
  readonly swap: boolean
  readonly unclaimed: boolean
  /** What the table of its disk says that a partition without a signature is for. */
  readonly partition?: PartitionEntry
  readonly content: DiskContent
}

/** What is on it. Samples are read only where no signature speaks already. */
type DiskContent =
  | {
      readonly kind: 'signature'
      readonly signature: Exclude<Signature, { kind: 'nothing' }>
      /** First byte at either end that is not zero; undefined where they were not read. */
      readonly firstNonZeroAt?: bigint | undefined
    }
  | { readonly kind: 'table'; readonly table: PartitionTable }
  | { readonly kind: 'data'; readonly firstNonZeroAt: bigint }
  | { readonly kind: 'zeros' }
  /** Not a byte was read: the read might never end. */
  | { readonly kind: 'unread' }

type Content = Pick<DeviceLook, 'content' | 'partition'>

export interface LookTools {
  readonly runner: CommandRunner
  /** Disks, by path, that did not answer. */
  readonly stuckDisks: StuckWork
  /** How long one disk is waited for. */
  readonly lookDeadlineMs?: number
}

/** A disk that does not answer must not hold up the others for ever. */
const READ_DEADLINE_MS = 60_000
const LOOK_DEADLINE_MS = 180_000

const bytesOf = async (device: BlockDevice): Promise<DiskContent> => {
  const { devicePath, sizeBytes } = device
  const table = await withDeadline(
    `reading ${devicePath}`,
    findPartitionTable(devicePath, device),
    READ_DEADLINE_MS,
  )
  if (table !== undefined) return { kind: 'table', table }
  const firstNonZeroAt = await withDeadline(
    `reading ${devicePath}`,
    firstNonZero(devicePath, samplesOf(sizeBytes)),
    READ_DEADLINE_MS,
  )
  return firstNonZeroAt === undefined ? { kind: 'zeros' } : { kind: 'data', firstNonZeroAt }
}

const firstByteOf = ({ devicePath, sizeBytes }: BlockDevice): Promise<bigint | undefined> =>
  withDeadline(`reading ${devicePath}`, firstNonZero(devicePath, endsOf(sizeBytes)), READ_DEADLINE_MS)

const isLabel = (signature: Signature): boolean => signature.kind === 'found' && signature.type === LVM_LABEL

const contentOf = async (runner: CommandRunner, device: BlockDevice): Promise<Content> => {
  if (device.suspended) return { content: { kind: 'unread' } }
  if (device.sizeBytes < 4096n) return { content: { kind: 'zeros' } }
  const signature = await probeSignature(runner, device.devicePath)
  if (signature.kind !== 'nothing') {
    const firstNonZeroAt = isLabel(signature) ? undefined : await firstByteOf(device)
    return { content: { kind: 'signature', signature, firstNonZeroAt } }
  }
  const content = await bytesOf(device)
  return signature.partition === undefined ? { content } : { content, partition: signature.partition }
}

const lookAtDevice = async (
  runner: CommandRunner,
  device: BlockDevice,
  use: HostUse,
): Promise<DeviceLook> => {
  const paths = [device.path, device.devicePath]
  const numbers = [device.deviceNumber, ...device.partitions]
  return {
    kind: 'device',
    path: device.path,
    device,
    mountPoints: numbers.flatMap((deviceNumber) => mountPointsOf(use.mounts, { deviceNumber, paths })),
    swap: use.swaps.includes(device.devicePath),
    unclaimed: device.suspended || (await isUnclaimed(device.devicePath)),
    ...(await contentOf(runner, device)),
  }
}

/** Looks at one listed disk. Never fails: what cannot be found out is a finding of its own. */
export const lookAtDisk = async (
  { runner, stuckDisks, lookDeadlineMs = LOOK_DEADLINE_MS }: LookTools,
  path: string,
  use: HostUse,
): Promise<DiskLook> => {
  if (!isDevicePath(path)) return { kind: 'notADevicePath', path }
  let device: BlockDevice | undefined
  try {
    const found = await findBlockDevice(path)
    if ('missing' in found) return { kind: 'missing', path, detail: found.missing }
    if ('notABlockDevice' in found)
      return { kind: 'notABlockDevice', path, devicePath: found.notABlockDevice }
    device = found
    const look = () => withDeadline(`looking at ${path}`, lookAtDevice(runner, found, use), lookDeadlineMs)
    return await stuckDisks.watch(path, look)
  } catch (error) {
    return {
      kind: 'unreadable',
      path,
      detail: messageOf(error),
      ...(device === undefined ? {} : { device }),
    }
  }
}
