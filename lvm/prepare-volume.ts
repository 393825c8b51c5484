import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import type { FileSystem } from '../core/volume-tags.ts'
import { activate, deactivate, type VolumeTools } from './activation.ts'
import type { CommandRunner } from './command-runner.ts'
import { samplesOf } from './content.ts'
import { CommandFailed, Refused } from './errors.ts'
import { checkMkfsOptions, isFileSystemWhole, makeFileSystem } from './file-system.ts'
import { flushDevice } from './flush.ts'
import { requireVolume } from './known-groups.ts'
import { showsLess, showWholeSize } from './shown-size.ts'
import type { WantedContent } from './types.ts'
import { decideStep, findContent, NeverFormatted, volumeObject, type ContentStep } from './volume-content.ts'
import { requireRecord, setState, type RecordedVolume } from './volume-state.ts'

export interface PrepareTools extends VolumeTools {
  readonly runner: CommandRunner
  readonly log: Logger
}

type FileSystemContent = Extract<WantedContent, { kind: 'fileSystem' }>

/** @throws Refused when another content is asked for than the volume was made for. */
const checkWanted = (volume: RecordedVolume, wanted: WantedContent): void => {
  const asked = wanted.kind === 'block' ? 'block' : wanted.type
  if (asked === volume.record.content) return
  throw new Refused(volumeObject(volume), `was made for "${volume.record.content}", "${asked}" is asked for`)
}

/**
 * Formats once. `formatting` is on the disks before mkfs starts, and `used` before anybody may write, so a crash at
 * any point leaves a volume about which the truth can be told.
 */
const format = async (
  tools: PrepareTools,
  volume: RecordedVolume,
  devicePath: string,
  { type, mkfsOptions }: FileSystemContent,
): Promise<void> => {
  const { runner, log } = tools
  const marked = volume.record.state === 'formatting' ? volume : await setState(tools, volume, 'formatting')
  const target = await NeverFormatted.prove(runner, marked, devicePath)
  log.info('Making file system', { volume: volume.name, group: volume.groupName, type, devicePath })
  await makeFileSystem(runner, target, type, mkfsOptions)
  await flushDevice(devicePath)
  const found = await findContent(runner, { path: devicePath, sizeBytes: volume.sizeBytes }, type)
  if (found !== 'recordedFileSystem')
    throw new CommandFailed(volumeObject(volume), `mkfs for ${type} ended well, but blkid finds ${found}`)
  await setState(tools, marked, 'used')
}

/** Keeps what a crash between mkfs and the tag left, when it is whole. It is never made anew. */
const adopt = async (
  tools: PrepareTools,
  volume: RecordedVolume,
  devicePath: string,
  type: FileSystem,
): Promise<void> => {
  if (!(await isFileSystemWhole(tools.runner, devicePath, type)))
    throw new Refused(volumeObject(volume), `mkfs was interrupted, and left a damaged ${type}`, {
      advice: 'delete the claim and make it again: the volume was never used',
    })
  await flushDevice(devicePath)
  await setState(tools, volume, 'used')
}

const carryOut = async (
  tools: PrepareTools,
  volume: RecordedVolume,
  devicePath: string,
  plan: { readonly step: ContentStep; readonly wanted: WantedContent },
): Promise<void> => {
  const { step, wanted } = plan
  if (step === 'keep') return
  if (wanted.kind === 'block') {
    await setState(tools, volume, 'used')
    return
  }
  if (step === 'adopt') await adopt(tools, volume, devicePath, wanted.type)
  if (step === 'format') await format(tools, volume, devicePath, wanted)
}

/** A volume that is refused is left as it was found. */
const putBack = async (tools: PrepareTools, volume: RecordedVolume): Promise<void> => {
  try {
    await deactivate(tools, volume)
  } catch (error) {
    tools.log.warn('Refused volume stays active', { volume: volume.name, error: messageOf(error) })
  }
}

/**
 * Activates a volume and brings its content into the wanted state. A volume that is `used` needs no change of
 * metadata, so it can be used while other disks of the group are missing.
 */
export const prepareVolume = async (
  tools: PrepareTools,
  volumeUuid: string,
  wanted: WantedContent,
): Promise<{ devicePath: string; fileSystem: FileSystem | undefined }> => {
  const fileSystem = wanted.kind === 'block' ? undefined : wanted.type
  if (wanted.kind === 'fileSystem') checkMkfsOptions(wanted.mkfsOptions)
  const report = await tools.known.fresh()
  const volume = requireRecord(requireVolume(report, volumeUuid))
  checkWanted(volume, wanted)
  const mapped = await activate(tools, volume, report)
  try {
    if (await showsLess(volume)) await tools.lanes.run(volume.groupName, () => showWholeSize(tools, volume))
    const device = { path: mapped.path, sizeBytes: volume.sizeBytes }
    // all of a block volume is shown to its user, and what somebody freed by hand was not erased
    const places =
      wanted.kind === 'block' && volume.record.state === 'new' ? samplesOf(volume.sizeBytes) : undefined
    const found = await findContent(tools.runner, device, fileSystem, places)
    const step = decideStep(volume, volume.record.state, wanted.kind, found)
    await carryOut(tools, volume, mapped.path, { step, wanted })
  } catch (error) {
    if (!volume.active) await putBack(tools, volume)
    throw error
  }
  return { devicePath: mapped.path, fileSystem }
}
