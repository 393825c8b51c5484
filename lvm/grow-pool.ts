import type { PoolGrowth } from '../core/thin-growth.ts'
import { complaintOf } from './command-runner.ts'
import { CommandFailed } from './errors.ts'
import { requireComplete, type KnownGroup } from './known-groups.ts'
import type { LvmCommand } from './lvm-command.ts'
import type { Lvm } from './lvm.ts'
import type { GroupReport } from './report.ts'
import { growPoolCommand, growPoolMetadataCommand } from './thin-command.ts'
import { isThinPool, type ThinPool } from './thin-pool.ts'

interface GrowTools {
  readonly lvm: Lvm
  readonly known: KnownGroup
}

interface PoolName {
  readonly groupName: string
  readonly name: string
}

const poolIn = ({ volumes }: GroupReport, name: string): ThinPool | undefined =>
  volumes.filter(isThinPool).find((pool) => pool.name === name)

const dataExtentsOf = (report: GroupReport, name: string): bigint =>
  (poolIn(report, name)?.sizeBytes ?? 0n) / report.group.extentSizeBytes

/** Runs one lvextend, and reads back whether it did its work. */
const extend = async (
  { lvm, known }: GrowTools,
  { groupName, name }: PoolName,
  command: LvmCommand,
  isDone: (report: GroupReport) => boolean,
): Promise<void> => {
  const result = await lvm.run(command, known.devices)
  const report = await known.reread()
  requireComplete(report)
  if (isDone(report)) return
  throw new CommandFailed(
    `thin pool "${groupName}/${name}"`,
    `not enlarged: lvextend ended with ${complaintOf(result)}`,
  )
}

/** Enlarges a pool's data area to so many extents; nothing to do when it has them. Read back, not flushed. @throws CommandFailed. */
export const growPoolData = async (tools: GrowTools, pool: PoolName, dataExtents: bigint): Promise<void> => {
  const before = tools.known.last ?? (await tools.known.fresh())
  if (dataExtentsOf(before, pool.name) >= dataExtents) return
  await extend(
    tools,
    pool,
    growPoolCommand(pool, dataExtents),
    (report) => dataExtentsOf(report, pool.name) >= dataExtents,
  )
}

/**
 * Enlarges a pool that is getting full; read back, and on the disks when it returns. Its volumes stay in use. Runs alone
 * in its group.
 *
 * @throws CommandFailed, Frozen.
 */
export const growPool = async (tools: GrowTools, pool: ThinPool, growth: PoolGrowth): Promise<void> => {
  const { known } = tools
  if (growth.metadataExtents !== undefined) {
    const { group } = known.last ?? (await known.fresh())
    const metadataBytes = growth.metadataExtents * group.extentSizeBytes
    await extend(
      tools,
      pool,
      growPoolMetadataCommand(pool, metadataBytes),
      (report) => (poolIn(report, pool.name)?.pool.metadataBytes ?? 0n) >= metadataBytes,
    )
  }
  if (growth.dataExtents !== undefined) await growPoolData(tools, pool, growth.dataExtents)
  await known.flush()
}
