import { complaintOf, type CommandRunner } from './command-runner.ts'
import { CommandFailed } from './errors.ts'
import { mappedDevices, readLine, SYS_BLOCK } from './sys-block.ts'
import type { ThinPoolUse } from './types.ts'

const DEADLINE_MS = 10_000

/** LVM's UUID of a pool's device: `LVM-`, then those of group and pool without their hyphens, then this. */
const POOL_UUID = /^LVM-([A-Za-z0-9]{32})([A-Za-z0-9]{32})-tpool$/

/** As LVM writes it: six signs, five times four, six. */
const withHyphens = (uuid: string): string =>
  uuid.replace(/^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})(.{6})$/, '$1-$2-$3-$4-$5-$6-$7')

/** UUIDs of the thin pools of these groups that are active, by the names of their devices. */
const activePools = async (groupUuids: readonly string[]): Promise<ReadonlyMap<string, string>> => {
  const devices = await mappedDevices()
  const found = await Promise.all(
    devices.map(async (device): Promise<[string, string][]> => {
      const [, group = '', pool = ''] =
        POOL_UUID.exec((await readLine(SYS_BLOCK, device, 'dm', 'uuid')) ?? '') ?? []
      if (!groupUuids.includes(withHyphens(group))) return []
      return [[(await readLine(SYS_BLOCK, device, 'dm', 'name')) ?? '', withHyphens(pool)]]
    }),
  )
  return new Map(found.flat())
}

/** `name: start length thin-pool transaction metadata data held-root mode discards when-full needs-check low-water` */
const STATUS =
  /^\S+: \d+ \d+ thin-pool \d+ (\d+)\/(\d+) (\d+)\/(\d+) \S+ (rw|ro|out_of_data_space) \S+ \S+ (needs_check|-)/
const BROKEN = /^\S+: \d+ \d+ thin-pool (Fail|Error)/

/** Rounded up, so that a pool is never called emptier than it is. */
const percentOf = (used: string | undefined, all: string | undefined): number =>
  Math.ceil((Number(used) * 100) / Number(all))

/**
 * One line of the kernel's status of a pool (Linux, Documentation/admin-guide/device-mapper/thin-provisioning.rst).
 *
 * @throws CommandFailed when it is not understood.
 */
export const parsePoolStatus = (line: string): Omit<ThinPoolUse, 'poolUuid'> => {
  const [, word] = BROKEN.exec(line) ?? []
  if (word !== undefined) return { dataPercent: 100, metadataPercent: 100, mode: word }
  const [, metadata, allMetadata, data, allData, mode, check] = STATUS.exec(line) ?? []
  if (mode === undefined) throw new CommandFailed('dmsetup status', `an unexpected line: ${line}`)
  return {
    dataPercent: percentOf(data, allData),
    metadataPercent: percentOf(metadata, allMetadata),
    mode: check === 'needs_check' ? check : mode,
  }
}

/**
 * How the active thin pools of these groups are used. Nothing is run while none is active, and never LVM: dmsetup(8)
 * asks the kernel, and waits for no lock.
 *
 * @throws CommandFailed.
 */
export const readPoolUse = async (
  runner: CommandRunner,
  groupUuids: readonly string[],
): Promise<readonly ThinPoolUse[]> => {
  const pools = await activePools(groupUuids)
  if (pools.size === 0) return []
  const result = await runner.run({
    ...{ file: 'dmsetup', args: ['status', '--target', 'thin-pool', '--noflush'] },
    ...{ effect: 'read', deadlineMs: DEADLINE_MS },
  })
  if (result.exitCode !== 0) throw new CommandFailed('dmsetup status', complaintOf(result))
  return result.stdout.split('\n').flatMap((line) => {
    // pools of others are none of our business, whatever their lines look like
    const poolUuid = pools.get(line.slice(0, line.indexOf(': ')))
    if (poolUuid === undefined) return []
    return [{ poolUuid, ...parsePoolStatus(line) }]
  })
}
