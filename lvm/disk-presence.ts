import { stat } from 'node:fs/promises'

import { deviceNumberOf } from './device-number.ts'
import type { EnsureGroupRequest } from './types.ts'

/** The device that a path leads to, or why it leads to none. No byte of the device is read. */
const deviceAt = async (path: string): Promise<string> => {
  try {
    return deviceNumberOf((await stat(path)).rdev)
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  }
}

/**
 * Notices disks that come and go, by the paths under which they are, or ever were, listed for a group: also for a group
 * none of whose disks has been there yet.
 */
export class DiskPresence {
  readonly #devices = new Map<string, Map<string, string>>()

  /** Remembers where the paths lead now, for those that are new. Call it before the disks are looked at. */
  async note({ name, disks, recordedDisks = [] }: EnsureGroupRequest): Promise<void> {
    const known = this.#devices.get(name) ?? new Map<string, string>()
    this.#devices.set(name, known)
    const found = [...disks, ...recordedDisks].filter(({ path }) => !known.has(path))
    for (const { path } of found) known.set(path, await deviceAt(path))
  }

  forget(groupName: string): void {
    this.#devices.delete(groupName)
  }

  /** Names of the groups for which a path leads elsewhere than it did at the last call. */
  async changed(): Promise<string[]> {
    const names: string[] = []
    for (const [name, devices] of this.#devices) {
      const changes = await Promise.all(
        [...devices].map(async ([path, before]) => ({ path, before, now: await deviceAt(path) })),
      )
      const changed = changes.filter(({ before, now }) => now !== before)
      for (const { path, now } of changed) devices.set(path, now)
      if (changed.length > 0) names.push(name)
    }
    return names
  }
}
