import { execa } from 'execa'

import { atStep, type ChangeStep } from '../core/failpoints.ts'
import type { Logger } from '../core/logger.ts'
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
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024
/** A grandchild that keeps a pipe open must not keep us: after the exit, pipes get this long to drain. */
const DRAIN_MS = 200
/** Between SIGTERM and SIGKILL, and again until a process that survives SIGKILL (state D) is given up on. */
const KILL_MS = 1000
const LOGGED_STDERR = 2000

const start = (command: Command) =>
  execa(command.file, command.args, {
    stdio: [
      // execa passes any descriptor on, its types know only the first few
      command.stdinDescriptor === undefined ? 'ignore' : (command.stdinDescriptor as 3),
      'pipe',
      'pipe',
      command.wantsReport === true ? 'pipe' : 'ignore',
    ],
    env: { ...FIXED_ENVIRONMENT, ...command.env },
    extendEnv: false,
    reject: false,
    stripFinalNewline: false,
    maxBuffer: MAX_OUTPUT_BYTES,
    ...(command.effect === 'read'
      ? { timeout: command.deadlineMs, forceKillAfterDelay: KILL_MS, killDescendants: true }
      : { cleanup: false }),
  })

const closePipesAfterExit = (subprocess: ReturnType<typeof start>): void => {
  const child = subprocess.nodeChildProcess
  child.once('exit', () => {
    setTimeout(() => {
      for (const stream of child.stdio) stream?.destroy()
    }, DRAIN_MS).unref()
  })
}

const text = (output: unknown): string => (typeof output === 'string' ? output : '')

/** A runner that starts programs where this process runs. */
export const createCommandRunner = ({ log }: { readonly log: Logger }): CommandRunner => {
  const run: CommandRunner['run'] = async (command) => {
    const name = `command "${command.title ?? [command.file, ...command.args].join(' ')}"`
    const startedAt = performance.now()
    const subprocess = start(command)
    closePipesAfterExit(subprocess)
    const waitMs = command.effect === 'read' ? command.deadlineMs + 2 * KILL_MS : command.deadlineMs
    const result = await withDeadline(name, Promise.resolve(subprocess), waitMs)
    log.debug('Command ended', {
      file: command.file,
      args: command.args,
      exitCode: result.exitCode,
      signal: result.signal,
      durationMs: Math.round(performance.now() - startedAt),
      stderr: text(result.stderr).slice(0, LOGGED_STDERR),
    })
    if (result.timedOut) throw new OutcomeUnknown(name, `killed after ${command.deadlineMs / 1000} s`)
    if (result.isMaxBuffer) throw new OutcomeUnknown(name, `wrote more than ${MAX_OUTPUT_BYTES} bytes`)
    if (result.signal !== undefined) throw new OutcomeUnknown(name, `ended by ${result.signal}`)
    if (result.exitCode === undefined)
      throw new CommandFailed(name, `cannot be started: ${result.code ?? 'unknown error'}`, {
        advice: `is ${command.file} installed?`,
      })
    return {
      exitCode: result.exitCode,
      stdout: text(result.stdout),
      stderr: text(result.stderr),
      report: text((result.stdio as readonly unknown[])[3]),
    }
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
