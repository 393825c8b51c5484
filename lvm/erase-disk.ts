import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

import { messageOf } from '../core/errors.ts'
import { atStep } from '../core/failpoints.ts'
import type { Logger } from '../core/logger.ts'
import type { CommandRunner } from './command-runner.ts'
import { confirmSameDisk } from './confirm-disk.ts'
import type { OptedIn } from './disk-judge.ts'
import { stepAt, USUAL_PACE, zeroOut } from './erase.ts'
import { flushDevice } from './flush.ts'

/** As long as the largest sector there is. */
const MARK_BYTES = 4096

/**
 * Stands at the start of a disk until all the rest is zero, so that a disk that was erased by half is never taken for
 * a blank one. Opened exclusively: that fails while anybody has the disk in use.
 */
const mark = ({ devicePath }: OptedIn): Promise<void> =>
  atStep('mark-disk-erasing', async () => {
    const file = await open(devicePath, constants.O_RDWR | constants.O_EXCL)
    try {
      const bytes = Buffer.alloc(MARK_BYTES)
      bytes.write('Loam is erasing this disk, because allowNonBlank names it.\n')
      await file.write(bytes, 0, bytes.length, 0)
      await file.sync()
    } finally {
      await file.close()
    }
  })

/**
 * Writes zeros over all of a disk that a person let us take. Its signatures go first, its beginning last; done again
 * from the start after a crash. That it is blank is not concluded from this: it is judged again like any other.
 *
 * @throws Refused when the path leads elsewhere by now, CommandFailed, OutcomeUnknown.
 */
const eraseDisk = async (runner: CommandRunner, disk: OptedIn): Promise<void> => {
  await confirmSameDisk(disk)
  await mark(disk)
  const head = BigInt(MARK_BYTES)
  const { stepBytes } = USUAL_PACE
  for (let offset = head; offset < disk.sizeBytes; offset += stepBytes)
    await zeroOut(runner, disk.devicePath, stepAt(offset, disk.sizeBytes, stepBytes))
  await flushDevice(disk.devicePath)
  await zeroOut(runner, disk.devicePath, { offset: 0n, length: head })
  await flushDevice(disk.devicePath)
}

/** The disks that are being erased. It takes hours for a large disk, and nothing waits for it. */
export class DiskErasures {
  readonly #runner: CommandRunner
  readonly #log: Logger
  /** By the listed path: the reason of a failure, or that it is running. */
  readonly #states = new Map<string, { failed?: string }>()

  constructor(runner: CommandRunner, log: Logger) {
    this.#runner = runner
    this.#log = log
  }

  /** Starts unless it is running; says why the last try failed. */
  start(disk: OptedIn): { readonly failed?: string } {
    const before = this.#states.get(disk.path)
    if (before !== undefined && before.failed === undefined) return {}
    this.#states.set(disk.path, {})
    void this.#erase(disk)
    return before ?? {}
  }

  isRunning(path: string): boolean {
    const state = this.#states.get(path)
    return state !== undefined && state.failed === undefined
  }

  async #erase(disk: OptedIn): Promise<void> {
    const fields = { disk: disk.path, id: disk.id }
    this.#log.warn('Erasing a disk that a person named', fields)
    try {
      await eraseDisk(this.#runner, disk)
      this.#states.delete(disk.path)
      this.#log.info('Disk erased', fields)
    } catch (error) {
      this.#states.set(disk.path, { failed: messageOf(error) })
      this.#log.error('Disk not erased', { ...fields, error: messageOf(error) })
    }
  }
}
