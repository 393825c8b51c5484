import { Refused } from './errors.ts'
import type { GroupReport } from './report.ts'
import type { LogicalVolume } from './types.ts'
import { volumeObject } from './volume-content.ts'

/**
 * Proof that a volume was made by the lvcreate that this process has just run: its UUID was not there before. Nobody
 * was told of it, so nobody can have written to it.
 */
export class JustMade {
  readonly volume: LogicalVolume

  private constructor(volume: LogicalVolume) {
    this.volume = volume
  }

  /** @throws Refused for a volume that was there before, or is in any state but `new`. */
  static prove(before: GroupReport, volume: LogicalVolume): JustMade {
    const wasThere = before.volumes.some(({ handle }) => handle.volumeUuid === volume.handle.volumeUuid)
    if (wasThere || volume.record?.state !== 'new')
      throw new Refused(volumeObject(volume), 'was not made a moment ago')
    return new JustMade(volume)
  }
}
