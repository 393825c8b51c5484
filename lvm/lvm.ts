import { complaintOf, type CommandResult, type CommandRunner, type Effect } from './command-runner.ts'
import { CommandFailed } from './errors.ts'
import { deviceFilter, shellDirectoryIn, type DeviceView } from './lvm-config.ts'
import type { LvmCommand } from './lvm-command.ts'

/** Runs lvm(8) with our own configuration and a view of named devices. */
export interface Lvm {
  /** The result, whatever the exit status: a change is judged by what can be read back afterwards. */
  run(command: LvmCommand, devices: DeviceView): Promise<CommandResult>
  /** The report or output of a command that only reads. @throws CommandFailed when its exit status is not 0. */
  read(command: LvmCommand, devices: DeviceView): Promise<string>
}

/** How long a command is waited for, by what it does, in milliseconds. */
export interface LvmDeadlines {
  readonly read: number
  readonly change: number
}

/**
 * A report that takes longer meets a disk that does not answer. A change may wait for another tool's lock as well;
 * after its deadline it goes on, and nothing is started behind it.
 */
const DEADLINES_MS: LvmDeadlines = { read: 30_000, change: 120_000 }

const withoutView: ReadonlySet<string> = new Set(['version', 'lvmconfig'])

/** `--config` stands after the sub-command: newer LVM takes options nowhere else. */
const argumentsOf = (command: LvmCommand, devices: DeviceView): string[] => [
  command.name,
  ...(withoutView.has(command.name) ? [] : ['--config', deviceFilter(devices)]),
  ...command.options,
  ...(command.operands.length === 0 ? [] : ['--', ...command.operands]),
]

/** Reports are what a shell that is kept running answers with; what other commands print it does not tell. */
const REPORTS: ReadonlySet<string> = new Set(['fullreport', 'vgs', 'lvs'])

const isForShell = (command: LvmCommand): boolean =>
  command.effect === 'read' ? REPORTS.has(command.name) : command.onlyMetadata === true

const effectOf = (command: LvmCommand): Effect =>
  command.effect === 'read' ? { effect: 'read' } : { effect: 'change', step: command.step }

/** `systemDirectory` holds the lvm.conf of lvm-config.ts, under this path where LVM runs. */
export const createLvm = (
  runner: CommandRunner,
  systemDirectory: string,
  deadlines: LvmDeadlines = DEADLINES_MS,
): Lvm => {
  const environmentWith = (directory: string) => ({
    ...{ LVM_SYSTEM_DIR: directory, LVM_SUPPRESS_FD_WARNINGS: '1', LVM_REPORT_FD: '3' },
  })
  const env = environmentWith(systemDirectory)
  const shellEnv = environmentWith(shellDirectoryIn(systemDirectory))
  const run: Lvm['run'] = (command, devices) => {
    const words = argumentsOf(command, devices)
    return runner.run({
      file: 'lvm',
      args: words,
      env,
      ...effectOf(command),
      deadlineMs: deadlines[command.effect],
      wantsReport: true,
      title: ['lvm', command.name, ...command.operands].join(' '),
      ...(isForShell(command) ? { shell: { words, env: shellEnv } } : {}),
    })
  }
  return {
    run,
    read: async (command, devices) => {
      const result = await run(command, devices)
      if (result.exitCode === 0) return result.report === '' ? result.stdout : result.report
      throw new CommandFailed(`lvm ${command.name}`, complaintOf(result))
    },
  }
}
