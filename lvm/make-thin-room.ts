import { describeLayout, type ThinLayout } from '../core/layout.ts'
import { volumeExtents } from '../core/layout-size.ts'
import { largestThinVolumeExtents, planThinRoom, type PoolPlan, type ThinRoom } from '../core/thin-size.ts'
import { poolTagsOf, tagsOf } from '../core/volume-tags.ts'
import { complaintOf, type CommandRunner } from './command-runner.ts'
import { CommandFailed, NoSpace, Refused } from './errors.ts'
import { freeOnDisks } from './free-disks.ts'
import { growPoolData } from './grow-pool.ts'
import { requireComplete, type KnownGroup } from './known-groups.ts'
import { extendVolumeCommand, type LvmCommand } from './lvm-command.ts'
import type { Lvm } from './lvm.ts'
import type { GroupReport } from './report.ts'
import type { ThinCheck } from './thin-check.ts'
import { createPoolCommand, createThinVolumeCommand } from './thin-command.ts'
import { findPool, newPoolFor, poolFault, thinRoomOf } from './thin-pool.ts'
import { readPoolUse } from './pool-use.ts'
import type { CreateVolumeRequest, ExtendVolumeRequest, LogicalVolume, ThinPoolUse } from './types.ts'

/** What a pool is enlarged with. `hostRunner` runs programs where LVM runs. */
export interface ThinTools {
  readonly lvm: Lvm
  readonly known: KnownGroup
  readonly hostRunner: CommandRunner
}

/** What a pool is made with. */
export interface CreateThinTools extends ThinTools {
  readonly thinCheck: ThinCheck
}

type ThinRequest = CreateVolumeRequest & { readonly layout: ThinLayout }

/** What is to be made of a pool: a volume, or a part that is added to one. */
interface Wanted {
  readonly groupName: string
  readonly name: string
  readonly layout: ThinLayout
  readonly sizeBytes: bigint
  /** Of the volume that the rest is added to; absent for a new one. */
  readonly alreadyBytes?: bigint
}

const poolObject = ({ groupName, layout }: Wanted): string => `thin pool "${groupName}/${layout.pool}"`

/** A volume, and how its pool gets room for it. */
interface ThinPlan extends PoolPlan {
  readonly sizeBytes: bigint
}

/** Why the pool takes no volume at all, and what to do; undefined when only its size bounds it. */
const whyNone = (report: GroupReport, request: Wanted, room: ThinRoom | undefined): string | undefined => {
  if (room !== undefined) return undefined
  const { layout, groupName } = request
  const fault = poolFault(report, layout)
  return fault === undefined
    ? `${poolObject(request)} is too full for another volume: add a disk to volume group "${groupName}", or delete volumes of it`
    : `${poolObject(request)} cannot be used: ${fault}; name another one in the parameter "thinPool" of the class`
}

/**
 * How the pool gets room for a volume, or for a part that is added to one.
 *
 * @throws NoSpace with the numbers, also when the pool takes no volume at all.
 */
export const planThinVolume = (
  report: GroupReport,
  request: Wanted,
  use: readonly ThinPoolUse[],
): ThinPlan => {
  const { layout, groupName, name, alreadyBytes = 0n } = request
  const { overprovisionPermille } = layout
  const { extentSizeBytes } = report.group
  const room = thinRoomOf(report, layout, use)
  const extents = volumeExtents(layout, request.sizeBytes, extentSizeBytes)
  const plan = room === undefined ? undefined : planThinRoom(overprovisionPermille, extents, room)
  if (plan !== undefined) return { ...plan, sizeBytes: extents * extentSizeBytes }
  const largest = room === undefined ? 0n : largestThinVolumeExtents(overprovisionPermille, room)
  const why = whyNone(report, request, room)
  throw new NoSpace(`logical volume "${groupName}/${name}"`, {
    layout: describeLayout(layout),
    requestedBytes: extents * extentSizeBytes + alreadyBytes,
    largestBytes: largest * extentSizeBytes + alreadyBytes,
    freeOnDisks: freeOnDisks(report.group),
    ...(why === undefined ? {} : { why }),
  })
}

const requireThinCheck = async ({ thinCheck }: CreateThinTools, request: ThinRequest): Promise<void> => {
  const fault = await thinCheck.look()
  if (fault === undefined) return
  throw new Refused(poolObject(request), `is not made without thin_check(8), which cannot be run: ${fault}`, {
    advice: 'install the package thin-provisioning-tools (device-mapper-persistent-data) on the node',
  })
}

const makePool = async (
  tools: CreateThinTools,
  request: ThinRequest,
  make: NonNullable<PoolPlan['make']>,
): Promise<void> => {
  const { lvm, known } = tools
  await requireThinCheck(tools, request)
  const before = known.last ?? (await known.fresh())
  const { chunkBytes, metadataExtents } = newPoolFor(before)
  const command = createPoolCommand({
    ...{ groupName: request.groupName, name: request.layout.pool, chunkBytes, ...make },
    metadataBytes: metadataExtents * before.group.extentSizeBytes,
    tags: poolTagsOf(request.record.clusterId),
  })
  const result = await lvm.run(command, known.devices)
  const report = await known.reread()
  requireComplete(report)
  if (findPool(report, request.layout) === undefined)
    throw new CommandFailed(
      poolObject(request),
      `not made: ${poolFault(report, request.layout) ?? 'lvcreate'} ended with ${complaintOf(result)}`,
    )
}

/**
 * Makes the pool, or makes it larger, as planned, and reads that back. Gives the lvcreate of the volume. A crash before
 * that one leaves a pool with more room than its volumes need, which the next one takes. Runs alone in its group.
 *
 * @throws Refused without thin_check(8); CommandFailed.
 */
export const makeThinRoom = async (
  tools: CreateThinTools,
  request: ThinRequest,
  { make, dataExtents, sizeBytes }: ThinPlan,
): Promise<LvmCommand> => {
  if (make !== undefined) await makePool(tools, request, make)
  const { groupName, name, layout, record } = request
  await growPoolData(tools, { groupName, name: layout.pool }, dataExtents)
  return createThinVolumeCommand({
    ...{ groupName, name, poolName: layout.pool, sizeBytes },
    tags: tagsOf(record),
  })
}

/**
 * Enlarges the pool of a thin volume, if it has to be, so that the volume can be made that large, and gives the lvextend of
 * the volume. Runs alone in its group.
 *
 * @throws NoSpace with the numbers, CommandFailed.
 */
export const makeThinExtensionRoom = async (
  tools: ThinTools,
  report: GroupReport,
  volume: LogicalVolume,
  { sizeBytes, overprovisionPermille }: ExtendVolumeRequest,
): Promise<LvmCommand> => {
  const { groupName, name, poolName: pool = '', sizeBytes: alreadyBytes } = volume
  const layout: ThinLayout = { name: 'thin', pool, overprovisionPermille }
  const use = await readPoolUse(tools.hostRunner, [report.group.uuid])
  const added = { groupName, name, layout, sizeBytes: sizeBytes - alreadyBytes, alreadyBytes }
  const plan = planThinVolume(report, added, use)
  await growPoolData(tools, { groupName, name: pool }, plan.dataExtents)
  const extents = (alreadyBytes + plan.sizeBytes) / report.group.extentSizeBytes
  return extendVolumeCommand({ groupName, name, extents, shape: layout, places: [] })
}
