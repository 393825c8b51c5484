import { mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'

import type { CommandRunner } from './command-runner.ts'
import { complaintOf } from './command-runner.ts'
import { Busy, CommandFailed } from './errors.ts'

/** Proof that this process is the one that changes LVM on this node. Held until it is released or the process ends. */
export class NodeLock {
  readonly #close: () => Promise<void>

  private constructor(close: () => Promise<void>) {
    this.#close = close
  }

  /**
   * Takes the lock, or fails at once when another process has it: two agents may overlap while a pod is replaced.
   *
   * flock(1) locks the open file that it inherits, and the lock belongs to that open file (flock(2)): it outlives the
   * tool and ends with this process, however that ends. No process of ours inherits the file.
   *
   * @throws Busy, CommandFailed.
   */
  static async take(runner: CommandRunner, path: string): Promise<NodeLock> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const file = await open(path, 'a', 0o600)
    try {
      const result = await runner.run({
        file: 'flock',
        args: ['--exclusive', '--nonblock', '--conflict-exit-code', '75', '0'],
        stdinDescriptor: file.fd,
        effect: 'read',
        deadlineMs: 10_000,
      })
      if (result.exitCode === 75)
        throw new Busy(`lock ${path}`, 'another agent holds it', { advice: 'wait until it has ended' })
      if (result.exitCode !== 0) throw new CommandFailed(`lock ${path}`, `flock: ${complaintOf(result)}`)
    } catch (error) {
      await file.close()
      throw error
    }
    return new NodeLock(() => file.close())
  }

  async release(): Promise<void> {
    await this.#close()
  }
}
