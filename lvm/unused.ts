import type { EraseMethod, VolumeState } from '../core/volume-tags.ts'
import { refuseIfInUse } from './activation.ts'
import { findMappedVolume } from './device-mapper.ts'
import { InUse, Refused } from './errors.ts'
import { requireComplete, requireVolume } from './known-groups.ts'
import type { GroupReport } from './report.ts'
import { volumeObject } from './volume-content.ts'
import { requireRecord, type RecordedVolume } from './volume-state.ts'

/** What the caller believes about a volume that it wants removed. */
export interface ExpectedVolume {
  readonly name: string
  readonly claimUid: string
  readonly erase: EraseMethod
  /** Set when nobody has said that data may die: refused once the volume was given to a user. */
  readonly neverUsed?: boolean
}

/** Those without anybody's data. A volume that was never used is `erasing` only on its own way out. */
const NEVER_USED: readonly VolumeState[] = ['new', 'erasing']

const checkExpected = (volume: RecordedVolume, expected: ExpectedVolume): void => {
  const { state } = volume.record
  if (expected.neverUsed === true && !NEVER_USED.includes(state))
    throw new Refused(volumeObject(volume), `is in state "${state}", and was to be removed unused`)
  const found = { name: volume.name, claimUid: volume.record.claimUid, erase: volume.record.erase }
  const differing = (['name', 'claimUid', 'erase'] as const).filter((key) => found[key] !== expected[key])
  if (differing.length === 0) return
  const list = differing.map((key) => `${key} is "${found[key]}", not "${expected[key]}"`).join(', ')
  throw new Refused(volumeObject(volume), `is not the volume that was meant: ${list}`)
}

/**
 * Proof that a volume is the one that is meant, that its group is whole, and that nothing on this machine has it
 * mounted, open, or as a part of another device. Without it nothing is erased or removed.
 */
export class Unused {
  readonly volume: RecordedVolume

  private constructor(volume: RecordedVolume) {
    this.volume = volume
  }

  /** @throws NotFound, Frozen, Refused, InUse. */
  static async prove(report: GroupReport, volumeUuid: string, expected: ExpectedVolume): Promise<Unused> {
    const found = requireVolume(report, volumeUuid)
    requireComplete(report)
    const volume = requireRecord(found)
    checkExpected(volume, expected)
    const mapped = await findMappedVolume(volume.handle)
    if (mapped !== undefined) await refuseIfInUse(volume, mapped)
    if (volume.open) throw new InUse(volumeObject(volume), 'open')
    return new Unused(volume)
  }
}
