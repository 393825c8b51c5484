import { type Command, type CommandRunner } from '../../../lvm/command-runner.ts'
import { lvmSubcommand, usualRunner } from '../../node/lvm/fixture.ts'

/** A command that ended: an LVM command by its sub-command, any other by its program. */
export interface TimedCommand {
  readonly name: string
  readonly ms: number
}

const nameOf = (command: Command): string => lvmSubcommand(command) ?? command.file

/** A runner that also keeps what it ran and how long each took: fork, run and wait. */
export const timedRunner = (): CommandRunner & { readonly commands: TimedCommand[] } => {
  const commands: TimedCommand[] = []
  return {
    commands,
    run: async (command) => {
      const start = performance.now()
      const result = await usualRunner.run(command)
      commands.push({ name: nameOf(command), ms: performance.now() - start })
      return result
    },
  }
}
