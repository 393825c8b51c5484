import type { Logger } from '../core/logger.ts'
import { erasedBytesOf, type EraseMethod } from '../core/volume-tags.ts'
import { activate, deactivate, type VolumeTools } from './activation.ts'
import { complaintOf, type CommandRunner } from './command-runner.ts'
import { samplesOf } from './content.ts'
import type { MappedVolume } from './device-mapper.ts'
import { eraseVolume, type ErasePace } from './erase.ts'
import { CommandFailed, NotFound } from './errors.ts'
import { requireComplete, type KnownGroup } from './known-groups.ts'
import { isLinearBlank } from './linear-content.ts'
import { removeVolumeCommand } from './lvm-command.ts'
import { scrubLegs } from './raid-scrub.ts'
import type { GroupReport } from './report.ts'
import { isThin } from './thin-pool.ts'
import { markUnerased } from './unerased-space.ts'
import { Unused, type ExpectedVolume } from './unused.ts'
import { findContent, volumeObject } from './volume-content.ts'
import { setErasedBytes, setState } from './volume-state.ts'

export interface RemoveTools extends VolumeTools {
  readonly runner: CommandRunner
  readonly log: Logger
  readonly pace: ErasePace
}

/**
 * A volume that was never used holds only the zeros it was made of. Its tags alone are not believed (they can be
 * restored from an old copy): it is looked at as well, through its device unless `isBlank` was seen without.
 */
const needsErasing = async (
  tools: RemoveTools,
  unused: Unused,
  devicePath: string,
  isBlank: boolean | undefined,
): Promise<boolean> => {
  const { record, sizeBytes } = unused.volume
  if (record.state !== 'new') return true
  if (isBlank !== undefined) return !isBlank
  const device = { path: devicePath, sizeBytes }
  return (await findContent(tools.runner, device, undefined, samplesOf(sizeBytes))) !== 'blank'
}

/** `erasing` is on the disks before the first byte goes, so nobody stages the rest. */
const erase = async (
  tools: RemoveTools,
  unused: Unused,
  mapped: MappedVolume,
  method: Exclude<EraseMethod, 'none'>,
): Promise<void> => {
  const { volume } = unused
  let marked = volume.record.state === 'erasing' ? volume : await setState(tools, volume, 'erasing')
  const fromBytes = erasedBytesOf(marked.tags)
  tools.log.info('Erasing volume', { volume: volume.name, sizeBytes: volume.sizeBytes, fromBytes, method })
  const onProgress = async (erasedBytes: bigint): Promise<void> => {
    marked = await setErasedBytes(tools, marked, erasedBytes)
  }
  await eraseVolume(tools.runner, unused, mapped, { method, pace: tools.pace, fromBytes, onProgress })
}

/** Leaves the space blank, or the group marked as one whose free space is not. Blank space needs no activation. */
const clearSpace = async (tools: RemoveTools, unused: Unused, report: GroupReport): Promise<void> => {
  const { volume } = unused
  // its space stays with the pool, which zeroes what it gives to another volume; zeros written here would take more of it
  if (isThin(volume)) {
    await deactivate(tools, volume)
    return
  }
  const isBlank = volume.record.state === 'new' ? await isLinearBlank(unused, report) : undefined
  if (isBlank === true) return
  const method = volume.record.erase
  const mapped = await activate(tools, volume, report)
  if (await needsErasing(tools, unused, mapped.path, isBlank)) {
    if (method === 'none') await markUnerased(tools, volume.groupName)
    else await erase(tools, unused, mapped, method)
  }
  await deactivate(tools, volume)
  if (method === 'none') return
  const { runner, lvm, known } = tools
  await scrubLegs({ runner, lvm, devices: known.devices }, unused, report)
}

/** What is true before something is destroyed. Whether an active volume is open only LVM tells; no other can be. */
const lookAt = async (known: KnownGroup, volumeUuid: string): Promise<GroupReport> => {
  const report = await known.current()
  const found = report.volumes.find(({ handle }) => handle.volumeUuid === volumeUuid)
  return found?.active === true ? await known.reread() : report
}

const isAbsent = (report: GroupReport, volumeUuid: string): boolean => {
  requireComplete(report)
  return !report.volumes.some((volume) => volume.handle.volumeUuid === volumeUuid)
}

/** The only place that removes a volume. */
const removeErased = async (
  tools: RemoveTools,
  volumeUuid: string,
  expected: ExpectedVolume,
): Promise<void> => {
  const { lvm, known } = tools
  const { volume } = await Unused.prove(await lookAt(known, volumeUuid), volumeUuid, expected)
  const { groupName, poolName } = volume
  const removal = removeVolumeCommand({ groupName, uuid: volumeUuid, poolName })
  const result = await lvm.run(removal, known.devices)
  await known.confirm((report) => {
    if (isAbsent(report, volumeUuid)) return
    throw new CommandFailed(volumeObject(volume), `not removed: lvremove ended with ${complaintOf(result)}`)
  })
}

const proveUnlessGone = async (
  tools: RemoveTools,
  volumeUuid: string,
  expected: ExpectedVolume,
): Promise<{ unused: Unused; report: GroupReport } | undefined> => {
  const report = await lookAt(tools.known, volumeUuid)
  try {
    return { unused: await Unused.prove(report, volumeUuid, expected), report }
  } catch (error) {
    if (error instanceof NotFound) return undefined
    throw error
  }
}

/**
 * Erases and removes a volume. Erasing goes on outside the group's queue, because it may take hours; only the
 * commands that change metadata wait for each other.
 */
export const removeVolume = async (
  tools: RemoveTools,
  volumeUuid: string,
  expected: ExpectedVolume,
): Promise<void> => {
  // in the queue, so that no command of our own is halfway through the metadata
  const found = await tools.lanes.run(tools.known.name, () => proveUnlessGone(tools, volumeUuid, expected))
  if (found === undefined) {
    await tools.known.flush()
    return
  }
  await clearSpace(tools, found.unused, found.report)
  await tools.lanes.run(found.unused.volume.groupName, () => removeErased(tools, volumeUuid, expected))
  tools.log.info('Removed volume', { volume: expected.name })
}
