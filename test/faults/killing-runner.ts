import { readFile } from 'node:fs/promises'

import { execa } from 'execa'

import type { ChangeStep } from '../../core/failpoints.ts'
import type { Command, CommandResult, CommandRunner } from '../../lvm/command-runner.ts'
import { PROOF } from '../../lvm/shell-keeper.ts'
import { eventually } from '../support/eventually.ts'
import { lvmShellPids } from '../support/child-processes.ts'

/** The n-th call of this system call in the program of this step ends it, with SIGKILL. */
export interface KillAt {
  readonly step: ChangeStep
  readonly systemCall: string
  readonly occurrence: number
  /** Which lvm does the step: a process of its own, or the shell that is kept running. */
  readonly lvm: 'process' | 'shell'
}

const straceOptions = ({ systemCall, occurrence }: KillAt): string[] => {
  const inject = `inject=${systemCall}:signal=KILL:when=${occurrence}`
  return ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${systemCall}`, '-e', inject]
}

/** Reads something, so that the shell is there. */
const wakeShell = async (
  inner: CommandRunner,
  { file, args, shell, ...command }: Command,
): Promise<number> => {
  if (shell === undefined) throw new Error(`${file} ${args.join(' ')} is not for a shell`)
  const program = args.slice(0, args.length - shell.words.length)
  await inner.run({
    ...{ ...command, effect: 'read', file, args: [...program, ...PROOF] },
    shell: { ...shell, words: PROOF },
  })
  return await eventually('LVM has a shell', async () => (await lvmShellPids())[0])
}

const inKilledShell = async (
  inner: CommandRunner,
  command: Command,
  killAt: KillAt,
): Promise<CommandResult> => {
  const pid = await wakeShell(inner, command)
  const strace = execa('strace', [...straceOptions(killAt), '-p', `${pid}`], { reject: false })
  const isTraced = async (): Promise<boolean> =>
    !(await readFile(`/proc/${pid}/status`, 'utf8')).includes('\nTracerPid:\t0\n')
  try {
    await eventually('strace is at the shell', isTraced)
    return await inner.run(command)
  } finally {
    strace.kill()
    await strace
  }
}

/** Not to be left to a shell. */
const itself = (command: Command): Command => {
  const alone = { ...command }
  delete alone.shell
  return alone
}

/** Runs the program of one step under strace(1), which kills it; all others run as ever. */
export const killingRunner = (inner: CommandRunner): CommandRunner & { killAt: KillAt | undefined } => ({
  killAt: undefined,
  run(command) {
    const { killAt } = this
    if (killAt === undefined || command.effect !== 'change' || command.step !== killAt.step)
      return inner.run(command)
    if (killAt.lvm === 'shell') return inKilledShell(inner, command, killAt)
    const args = [...straceOptions(killAt), '--', command.file, ...command.args]
    return inner.run({ ...itself(command), file: 'strace', args })
  },
})
