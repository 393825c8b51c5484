import { complaintOf, type CommandRunner } from './command-runner.ts'

const DEADLINE_MS = 10_000

/**
 * Whether thin_check(8) can be run where LVM runs. LVM goes on without it, with a warning that nobody reads, and a pool
 * that was damaged by a crash is used as it is (lvmthin(7)).
 */
export class ThinCheck {
  readonly #hostRunner: CommandRunner
  #fault: string | undefined

  constructor(hostRunner: CommandRunner) {
    this.#hostRunner = hostRunner
  }

  /** Why it cannot be run, as last tried; undefined when it can, or was never tried. */
  get fault(): string | undefined {
    return this.#fault
  }

  /** Tries it, and gives the fault. */
  async look(): Promise<string | undefined> {
    const command = {
      file: 'thin_check',
      args: ['--version'],
      effect: 'read',
      deadlineMs: DEADLINE_MS,
    } as const
    this.#fault = await this.#hostRunner.run(command).then(
      (result) => (result.exitCode === 0 ? undefined : complaintOf(result)),
      (error: unknown) => String(error),
    )
    return this.#fault
  }
}
