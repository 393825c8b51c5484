import { atStep } from '../core/failpoints.ts'
import type { Logger } from '../core/logger.ts'
import {
  environmentOf,
  logEnd,
  nameOf,
  patienceMsOf,
  type Command,
  type CommandResult,
  type CommandRunner,
} from './command-runner.ts'
import { withDeadline } from './deadline.ts'
import { OutcomeUnknown } from './errors.ts'
import { shellLine, type ShellStart } from './lvm-shell.ts'
import { ShellKeeper, USUAL_HABITS, type BorrowedShell, type KeeperHabits } from './shell-keeper.ts'

type ForShell = Command & { readonly shell: object }

const isForShell = (command: Command): command is ForShell => command.shell !== undefined

/** The program of a command, without the words that its shell is given instead. */
const startOf = ({ file, args, shell }: ForShell): ShellStart => ({
  file,
  args: args.slice(0, args.length - shell.words.length),
  // where the shell would keep a history of its lines
  env: environmentOf({ ...shell.env, HOME: '/dev/null' }),
})

/** Asks a shell as a process would be run: what only reads is killed at its deadline, and a change never. */
const askWithin = async (
  shell: BorrowedShell,
  command: ForShell,
  line: string,
  giveBack: () => void,
): Promise<CommandResult> => {
  const answer = shell.ask(command.shell.words[0] ?? '', line)
  // also when it comes after nobody waits for it any more
  void answer.then(giveBack, giveBack)
  const kill = command.effect === 'read' ? setTimeout(() => shell.kill(), command.deadlineMs) : undefined
  try {
    return { stdout: '', ...(await withDeadline(nameOf(command), answer, patienceMsOf(command))) }
  } finally {
    clearTimeout(kill)
  }
}

/**
 * A runner that has commands of lvm(8) done by one shell that is kept running, where they say how and it is free; all
 * others are run by `runner`. A shell that ended while it was at a change leaves an outcome that is unknown, as a process
 * does; what only reads is asked again of a process. docs/decisions/0084-a-shell-of-lvm-that-is-kept.md has why.
 */
export const withResidentLvm = (
  runner: CommandRunner,
  { log, habits = USUAL_HABITS }: { readonly log: Logger; readonly habits?: KeeperHabits },
): CommandRunner => {
  const keeper = new ShellKeeper(log, habits)
  const ask = async (shell: BorrowedShell, command: ForShell, line: string): Promise<CommandResult> => {
    const startedAt = performance.now()
    const result = await askWithin(shell, command, line, () => keeper.giveBack())
    logEnd(log, command, startedAt, result)
    return result
  }
  return {
    run: async (command) => {
      const line = isForShell(command) ? shellLine(command.shell.words) : undefined
      if (!isForShell(command) || line === undefined) return await runner.run(command)
      const shell = await keeper.borrow(startOf(command))
      if (shell === undefined) return await runner.run(command)
      if (command.effect === 'change') return await atStep(command.step, () => ask(shell, command, line))
      try {
        return await ask(shell, command, line)
      } catch (error) {
        if (shell.wasKilled || !(error instanceof OutcomeUnknown)) throw error
        return await runner.run(command)
      }
    },
  }
}
