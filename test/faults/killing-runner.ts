import type { ChangeStep } from '../../core/failpoints.ts'
import type { CommandRunner } from '../../lvm/command-runner.ts'

/** The n-th call of this system call in the program of this step ends it, with SIGKILL. */
export interface KillAt {
  readonly step: ChangeStep
  readonly systemCall: string
  readonly occurrence: number
}

/** Runs the program of one step under strace(1), which kills it; all others run as ever. */
export const killingRunner = (inner: CommandRunner): CommandRunner & { killAt: KillAt | undefined } => ({
  killAt: undefined,
  run(command) {
    if (this.killAt === undefined || command.effect !== 'change' || command.step !== this.killAt.step)
      return inner.run(command)
    const { systemCall, occurrence } = this.killAt
    const inject = `inject=${systemCall}:signal=KILL:when=${occurrence}`
    const options = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${systemCall}`, '-e', inject]
    return inner.run({ ...command, file: 'strace', args: [...options, '--', command.file, ...command.args] })
  },
})
