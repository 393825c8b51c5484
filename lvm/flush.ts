import { open } from 'node:fs/promises'

import { atStep } from '../core/failpoints.ts'
import { withDeadline } from './deadline.ts'
import { CommandFailed, Frozen } from './errors.ts'
import type { VolumeGroup } from './types.ts'
import { messageOf } from '../core/errors.ts'

const FLUSH_DEADLINE_MS = 60_000

/**
 * Makes a device write out its volatile cache (fsync(2) of a block device), so that what was written before is
 * still there after a power cut. Opened for reading: a close after writing would make udev look at the disk again.
 */
export const flushDevice = async (path: string): Promise<void> => {
  const object = `device ${path}`
  const sync = async (): Promise<void> => {
    const file = await open(path, 'r')
    try {
      await atStep('flush-device', () => file.sync())
    } finally {
      await file.close()
    }
  }
  const flushed = sync().catch((error: unknown) => {
    throw new CommandFailed(object, `cannot be flushed: ${messageOf(error)}`, { cause: error })
  })
  await withDeadline(`flush of ${object}`, flushed, FLUSH_DEADLINE_MS)
}

/** Flushes every disk of a group: LVM itself writes metadata without any flush. */
export const flushGroup = async (group: VolumeGroup): Promise<void> => {
  if (group.missingPhysicalVolumes > 0)
    throw new Frozen(
      'DisksMissing',
      `volume group "${group.name}"`,
      'cannot be flushed while disks are missing',
    )
  await Promise.all(group.physicalVolumes.map((disk) => flushDevice(disk.devicePath)))
}
