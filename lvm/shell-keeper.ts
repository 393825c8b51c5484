import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { withDeadline } from './deadline.ts'
import { CommandFailed } from './errors.ts'
import { LvmShell, shellLine, type ShellStart } from './lvm-shell.ts'

/** How a keeper goes about it; tests shorten it. */
export interface KeeperHabits {
  /** A shell that is not asked for so long is ended. */
  readonly idleMs: number
  /** One shell answers so many commands: what it may leak is bounded. */
  readonly mostAnswers: number
  /** After so many shells that ended by themselves none is started any more. */
  readonly mostFaults: number
}

export const USUAL_HABITS: KeeperHabits = { idleMs: 60_000, mostAnswers: 500, mostFaults: 3 }

const PROOF_WITHIN_MS = 10_000
/** Its lvm.conf shows no device, so this reads nothing; and no other lvm.conf has it answer as we understand. */
export const PROOF = ['vgs', '--reportformat', 'json', '--options', 'vg_name'] as const

/** A shell that is borrowed: asked by one, until it is given back. */
export type BorrowedShell = Pick<LvmShell, 'ask' | 'kill' | 'wasKilled'>

/**
 * Keeps one shell of lvm(8), and lends it to one command at a time. Who does not get it starts a process, as ever:
 * nothing ever waits for the command of somebody else.
 */
export class ShellKeeper {
  readonly #log: Logger
  readonly #habits: KeeperHabits
  #kept: { readonly shell: LvmShell; readonly key: string; answers: number } | undefined
  #isLent = false
  #faults = 0
  #idle: NodeJS.Timeout | undefined

  constructor(log: Logger, habits: KeeperHabits) {
    this.#log = log
    this.#habits = habits
  }

  /** The shell of that start, proven to answer; undefined when it is lent, or there is none to be had. */
  async borrow(start: ShellStart): Promise<BorrowedShell | undefined> {
    if (this.#isLent || this.#faults >= this.#habits.mostFaults) return undefined
    this.#isLent = true
    clearTimeout(this.#idle)
    try {
      return await this.#readyShell(start)
    } catch (error) {
      this.#isLent = false
      this.#note(messageOf(error))
      return undefined
    }
  }

  /** When its command has ended, whatever came of it. */
  giveBack(): void {
    this.#isLent = false
    const kept = this.#kept
    if (kept === undefined) return
    kept.answers += 1
    if (kept.shell.over !== undefined) {
      this.#kept = undefined
      if (!kept.shell.wasKilled) this.#note(kept.shell.over)
    } else if (kept.answers >= this.#habits.mostAnswers) this.#drop()
    else this.#idle = setTimeout(() => this.#drop(), this.#habits.idleMs).unref()
  }

  async #readyShell(start: ShellStart): Promise<LvmShell> {
    const key = JSON.stringify(start)
    if (this.#kept?.key === key && this.#kept.shell.over === undefined) return this.#kept.shell
    this.#drop()
    const shell = new LvmShell(start)
    try {
      await this.#prove(shell)
    } catch (error) {
      shell.kill()
      throw error
    }
    this.#kept = { shell, key, answers: 0 }
    return shell
  }

  /** With a mistaken lvm.conf a change would be made, and its answer waited for in vain. */
  async #prove(shell: LvmShell): Promise<void> {
    const answer = shell.ask(PROOF[0], shellLine(PROOF) ?? '')
    const { exitCode, stderr } = await withDeadline('the first answer', answer, PROOF_WITHIN_MS)
    if (exitCode !== 0) throw new CommandFailed('lvm shell', `its first answer was ${exitCode}: ${stderr}`)
  }

  #drop(): void {
    this.#kept?.shell.end()
    this.#kept = undefined
  }

  #note(how: string): void {
    this.#faults += 1
    const isLast = this.#faults >= this.#habits.mostFaults
    const consequence = isLast ? 'LVM commands are started one by one from now on' : 'another one is started'
    this.#log.warn('A shell of lvm did not serve', { how, faults: this.#faults, consequence })
  }
}
