import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { execa } from 'execa'
import { LabError } from './errors.ts'

export interface DaemonOptions {
  readonly cwd: string
  /** Both output streams go here; what was in it is gone. */
  readonly log: string
}

/**
 * Starts a program in a session of its own that outlives this process; gives its process id. The program holds the log
 * file itself: nothing of its output passes through this process.
 */
export const startDaemon = async (
  program: string,
  args: readonly string[],
  { cwd, log }: DaemonOptions,
): Promise<number> => {
  const output = createWriteStream(log)
  await once(output, 'open')
  const { pid, nodeChildProcess } = execa(program, args, {
    cwd,
    detached: true,
    cleanup: false,
    stdin: 'ignore',
    stdout: output,
    stderr: output,
    reject: false,
    buffer: false,
  })
  nodeChildProcess.unref()
  output.destroy()
  if (pid === undefined) throw new LabError(`program ${program}`, 'could not be started')
  return pid
}
