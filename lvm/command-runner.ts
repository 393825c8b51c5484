import { atStep, type ChangeStep } from '../core/failpoints.ts'
import type { Logger } from '../core/logger.ts'
import { KILL_MS, MAX_OUTPUT_BYTES, runProgram, type ProgramEnd } from './child-process.ts'
import { withDeadline } from './deadline.ts'
import { CommandFailed, OutcomeUnknown } from './errors.ts'

/**
 * `read` is killed at its deadline. `change` is never killed, because a killed change has an unknown outcome: only
 * the wait for it ends, with OutcomeUnknown. A change names its step, so that crash tests can stop before and after.
 */
export type Effect = { readonly effect: 'read' } | { readonly effect: 'change'; readonly step: ChangeStep }

/** One program to run: never a shell, never text that a shell would read. */
export type Command = Program & Effect

interface Program {
  readonly file: string
  readonly args: readonly string[]
  /** Added to the small fixed environment; nothing is inherited from this process. */
  readonly env?: Readonly<Record<string, string>>
  readonly deadlineMs: number
  /** Gives the program a pipe on file descriptor 3 and returns what it writes there as `report`. */
  readonly wantsReport?: boolean
  /** How messages name it; its whole line when absent. */
  readonly title?: string
  /** An open file that the program gets as its standard input, which is closed otherwise. */
  readonly stdinDescriptor?: number
  /** How a shell of the program that is kept running is asked for the same; the last of `args` are these words. */
  readonly shell?: { readonly words: readonly string[]; readonly env: Readonly<Record<string, string>> }
}

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** What the program wrote to file descriptor 3; empty unless asked for. */
  readonly report: string
}

/**
 * Runs programs of this machine.
 *
 * A result says how the process ended, never that its work was done: a caller reads that back.
 * @throws CommandFailed when the program cannot be started; OutcomeUnknown when it outlived its deadline, was
 *   killed, or wrote more than 16 MiB.
 */
export interface CommandRunner {
  run(command: Command): Promise<CommandResult>
}

const FIXED_ENVIRONMENT = {
  LC_ALL: 'C',
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
}
const LOGGED_STDERR = 2000

/** All of the environment that a program gets. */
export const environmentOf = (own: Command['env']): Readonly<Record<string, string>> => ({
  ...FIXED_ENVIRONMENT,
  ...own,
})

/** How messages name a command. */
export const nameOf = ({ title, file, args }: Command): string =>
  `command "${title ?? [file, ...args].join(' ')}"`

/** Runs it to its end, and says when it cannot be started at all. */
const runToItsEnd = async (command: Command): Promise<ProgramEnd> => {
  try {
    return await runProgram({
      file: command.file,
      args: command.args,
      env: environmentOf(command.env),
      stdinDescriptor: command.stdinDescriptor,
      wantsReport: command.wantsReport ?? false,
      killAfterMs: command.effect === 'read' ? command.deadlineMs : undefined,
    })
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error'
    const advice = `is ${command.file} installed?`
    throw new CommandFailed(nameOf(command), `cannot be started: ${code}`, { cause, advice })
  }
}

/** Why nobody can say what it did; undefined when its exit status and its output are all there. */
const doubtOf = (end: ProgramEnd, { deadlineMs }: Command): string | undefined => {
  if (end.wasLate) return `killed after ${deadlineMs / 1000} s`
  if (end.isCutOff)
    return `its output is not whole (a pipe broke, or it wrote over ${MAX_OUTPUT_BYTES} bytes)`
  return end.signal === undefined ? undefined : `ended by ${end.signal}`
}

/** One line for each command; `startedAt` is of performance.now(). */
export const logEnd = (
  log: Logger,
  { file, args }: Command,
  startedAt: number,
  end: Pick<ProgramEnd, 'exitCode' | 'stderr'> & { readonly signal?: ProgramEnd['signal'] },
): void =>
  log.debug('Command ended', {
    file,
    args,
    exitCode: end.exitCode,
    signal: end.signal,
    durationMs: Math.round(performance.now() - startedAt),
    stderr: end.stderr.slice(0, LOGGED_STDERR),
  })

/** How long a command is waited for: one that survives SIGKILL (state D) is given up on. */
export const patienceMsOf = ({ effect, deadlineMs }: Command): number =>
  effect === 'read' ? deadlineMs + 2 * KILL_MS : deadlineMs

/** A runner that starts programs where this process runs. */
export const createCommandRunner = ({ log }: { readonly log: Logger }): CommandRunner => {
  const run: CommandRunner['run'] = async (command) => {
    const startedAt = performance.now()
    const end = await withDeadline(nameOf(command), runToItsEnd(command), patienceMsOf(command))
    logEnd(log, command, startedAt, end)
    const { exitCode, stdout, stderr, report } = end
    const doubt = doubtOf(end, command)
    if (doubt !== undefined || exitCode === undefined)
      throw new OutcomeUnknown(nameOf(command), doubt ?? 'ended without a status')
    return { exitCode, stdout, stderr, report }
  }
  return {
    run: (command) => (command.effect === 'read' ? run(command) : atStep(command.step, () => run(command))),
  }
}

/** A runner that puts `prefix` before every program: `nsenter …` to run the host's own tools from a container. */
export const withPrefix = (runner: CommandRunner, prefix: readonly [string, ...string[]]): CommandRunner => ({
  run: (command) => {
    const [file, ...first] = prefix
    return runner.run({ ...command, file, args: [...first, command.file, ...command.args] })
  },
})

/** First lines of what a program said about an error, on one line. */
export const complaintOf = (result: CommandResult): string => {
  const lines = result.stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('WARNING: This metadata update is NOT backed up'))
  return `exit status ${result.exitCode}${lines.length === 0 ? '' : `: ${lines.slice(0, 3).join('; ')}`}`
}
