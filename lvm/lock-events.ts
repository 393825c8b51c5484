import { watch, type FSWatcher } from 'node:fs'

import { LOCK_DIRECTORY } from './lvm-probe.ts'

/** The host's own, also from a container: process 1 is the host's where the pod shares its processes. */
const HOSTS_LOCKS = `/proc/1/root${LOCK_DIRECTORY}`

/** LVM's lock of a volume group is a file that it makes and removes; `V_name:aux` only stands before it. */
const GROUP_LOCK = /^V_([^:]+)$/

/**
 * Tells of LVM commands of the whole host, by the locks that they take and let go. That is more than changes (a report
 * takes a lock as well), and it may be less: the directory appears with the first command since boot, and LVM can be
 * told to take no lock.
 */
export class LockEvents {
  readonly #onLock: (groupName: string) => void
  #watcher: FSWatcher | undefined

  constructor(onLock: (groupName: string) => void) {
    this.#onLock = onLock
  }

  /** Begins to watch unless it does already. Quiet when it cannot: call it again later. */
  open(): void {
    if (this.#watcher !== undefined) return
    try {
      const watcher = watch(HOSTS_LOCKS, { persistent: false }, (_event, file) => {
        const groupName = GROUP_LOCK.exec(file ?? '')?.[1]
        if (groupName !== undefined) this.#onLock(groupName)
      })
      watcher.on('error', () => this.close())
      this.#watcher = watcher
    } catch {
      // not there yet
    }
  }

  close(): void {
    this.#watcher?.close()
    this.#watcher = undefined
  }
}
