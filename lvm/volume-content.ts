import type { FileSystem, VolumeState } from '../core/volume-tags.ts'
import type { CommandRunner } from './command-runner.ts'
import { endsOf, firstNonZero, type ByteRange } from './content.ts'
import { Refused } from './errors.ts'
import { probeSignature } from './signature.ts'
import type { LogicalVolume, WantedContent } from './types.ts'

/** What was found on a volume's device, in the words that the decision needs. */
export type FoundContent = 'blank' | 'recordedFileSystem' | 'otherSignature' | 'unknownData'

/** What is done with it. */
export type ContentStep = 'format' | 'adopt' | 'keep' | 'markUsed'

interface Decision {
  readonly step: ContentStep | 'refuse'
  /** For people, when refused. */
  readonly why?: string
}

const refuse = (why: string): Decision => ({ step: 'refuse', why })
const lost = 'the volume was in use and its file system is not there any more; nothing is formatted over it'
const leftovers = 'a volume that was never used holds data; its tags may have been restored from an old copy'
const onItsWayOut = 'it is being erased'

/**
 * What the tags say and what the device shows must agree: tags can be rolled back with vgcfgrestore(8), so they
 * alone permit nothing. `formatting` is what a crash in mkfs leaves: bytes that nobody recognises are its own half
 * work, a whole file system is kept and never made anew.
 */
export const CONTENT_DECISIONS: Record<
  'fileSystem' | 'block',
  Record<VolumeState, Record<FoundContent, Decision>>
> = {
  fileSystem: {
    new: {
      blank: { step: 'format' },
      recordedFileSystem: refuse(leftovers),
      otherSignature: refuse(leftovers),
      unknownData: refuse(leftovers),
    },
    formatting: {
      blank: { step: 'format' },
      recordedFileSystem: { step: 'adopt' },
      otherSignature: refuse(leftovers),
      unknownData: { step: 'format' },
    },
    used: {
      blank: refuse(lost),
      recordedFileSystem: { step: 'keep' },
      otherSignature: refuse(lost),
      unknownData: refuse(lost),
    },
    erasing: {
      blank: refuse(onItsWayOut),
      recordedFileSystem: refuse(onItsWayOut),
      otherSignature: refuse(onItsWayOut),
      unknownData: refuse(onItsWayOut),
    },
  },
  block: {
    new: {
      blank: { step: 'markUsed' },
      recordedFileSystem: refuse(leftovers),
      otherSignature: refuse(leftovers),
      unknownData: refuse(leftovers),
    },
    formatting: {
      blank: refuse('a block volume is never formatted'),
      recordedFileSystem: refuse('a block volume is never formatted'),
      otherSignature: refuse('a block volume is never formatted'),
      unknownData: refuse('a block volume is never formatted'),
    },
    used: {
      blank: { step: 'keep' },
      recordedFileSystem: { step: 'keep' },
      otherSignature: { step: 'keep' },
      unknownData: { step: 'keep' },
    },
    erasing: {
      blank: refuse(onItsWayOut),
      recordedFileSystem: refuse(onItsWayOut),
      otherSignature: refuse(onItsWayOut),
      unknownData: refuse(onItsWayOut),
    },
  },
}

/**
 * Looks at a device, at its ends unless other places are named, and asks blkid. Fails when the device cannot be read: blkid's "nothing found" covers
 * that too, and is believed only beside our own reading.
 */
export const findContent = async (
  runner: CommandRunner,
  device: { readonly path: string; readonly sizeBytes: bigint },
  recorded: FileSystem | undefined,
  places: readonly ByteRange[] = endsOf(device.sizeBytes),
): Promise<FoundContent> => {
  const nonZeroAt = await firstNonZero(device.path, places)
  const signature = await probeSignature(runner, device.path)
  if (signature.kind === 'nothing') return nonZeroAt === undefined ? 'blank' : 'unknownData'
  return signature.kind === 'found' && recorded !== undefined && signature.type === recorded
    ? 'recordedFileSystem'
    : 'otherSignature'
}

/** A volume's name for messages. */
export const volumeObject = (volume: Pick<LogicalVolume, 'groupName' | 'name'>): string =>
  `logical volume "${volume.groupName}/${volume.name}"`

/** @throws Refused when what the tags say, what was asked for, and what is on the device do not go together. */
export const decideStep = (
  volume: LogicalVolume,
  state: VolumeState,
  wanted: WantedContent['kind'],
  found: FoundContent,
): ContentStep => {
  const { step, why } = CONTENT_DECISIONS[wanted][state][found]
  if (step !== 'refuse') return step
  throw new Refused(volumeObject(volume), `state "${state}", found ${found}: ${why ?? ''}`, {
    advice:
      state === 'used'
        ? 'what is left can be looked at: see "Damaged file systems" in docs/csi.md; else restore the data, or delete the claim'
        : 'if it holds nothing of worth, delete the claim and make it again',
  })
}

/**
 * Proof that a volume's tags say it was never in use, and that nothing was found on its device which could be
 * anybody's data: the only thing on which a file system is made.
 */
export class NeverFormatted {
  readonly devicePath: string

  private constructor(devicePath: string) {
    this.devicePath = devicePath
  }

  /** @throws Refused when either of the two does not hold. */
  static async prove(
    runner: CommandRunner,
    volume: LogicalVolume,
    devicePath: string,
  ): Promise<NeverFormatted> {
    const { record, sizeBytes } = volume
    const object = volumeObject(volume)
    if (record === undefined || record.content === 'block')
      throw new Refused(object, 'is not recorded as one that gets a file system')
    const found = await findContent(runner, { path: devicePath, sizeBytes }, record.content)
    if (record.state !== 'formatting' || decideStep(volume, record.state, 'fileSystem', found) !== 'format')
      throw new Refused(object, `may not be formatted: state "${record.state}", found ${found}`)
    return new NeverFormatted(devicePath)
  }
}
