import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import type { Readable } from 'node:stream'

/** A program to start; nothing of this process reaches it but what is named here. */
export interface ProgramStart {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** An open file for its standard input, which is /dev/null otherwise. */
  readonly stdinDescriptor?: number | undefined
  /** Whether it gets a pipe on file descriptor 3. */
  readonly wantsReport: boolean
  /** When it is killed, with all that it has started; never when absent. */
  readonly killAfterMs?: number | undefined
}

/** How a program ended, and what it wrote. */
export interface ProgramEnd {
  /** Undefined when a signal ended it. */
  readonly exitCode: number | undefined
  readonly signal: NodeJS.Signals | undefined
  readonly stdout: string
  readonly stderr: string
  /** What it wrote to file descriptor 3. */
  readonly report: string
  /** It was still running after `killAfterMs`. */
  readonly wasLate: boolean
  /** It wrote more than MAX_OUTPUT_BYTES, or a pipe broke: the three texts are not all that it wrote. */
  readonly isCutOff: boolean
}

export const MAX_OUTPUT_BYTES = 16 * 1024 * 1024
/** Between SIGTERM and SIGKILL; one in state D survives both. */
export const KILL_MS = 1000
/** A grandchild that keeps a pipe open must not keep us: after the exit, pipes get this long to drain. */
const DRAIN_MS = 200

/** All of one program's output, in memory. */
class Output {
  readonly #chunks = new Map<string, Buffer[]>()
  #bytes = 0
  isCutOff = false

  /** A program that writes too much is read on, and forgotten: it would wait for a reader for ever. */
  collect(name: string, stream: Readable | null | undefined): void {
    const chunks: Buffer[] = []
    this.#chunks.set(name, chunks)
    stream?.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length
      if (this.#bytes <= MAX_OUTPUT_BYTES) chunks.push(chunk)
      else this.isCutOff = true
    })
    stream?.on('error', () => {
      this.isCutOff = true
    })
  }

  textOf(name: string): string {
    return Buffer.concat(this.#chunks.get(name) ?? []).toString('utf8')
  }
}

/** Signals the process group that it leads: itself, and all that it has started. */
const killGroup = ({ pid }: ChildProcess, signal: NodeJS.Signals): void => {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {
    // it has just ended
  }
}

/** Kills a program that is still there after `afterMs`. `wasLate` tells whether it was. */
const limitTime = (child: ChildProcess, afterMs: number): { stop(): void; wasLate(): boolean } => {
  let wasLate = false
  let timer = setTimeout(() => {
    wasLate = true
    killGroup(child, 'SIGTERM')
    timer = setTimeout(() => killGroup(child, 'SIGKILL'), KILL_MS)
  }, afterMs)
  return { stop: () => clearTimeout(timer), wasLate: () => wasLate }
}

const startProgram = ({
  file,
  args,
  env,
  stdinDescriptor,
  wantsReport,
  killAfterMs,
}: ProgramStart): ChildProcess => {
  const stdio: StdioOptions = [stdinDescriptor ?? 'ignore', 'pipe', 'pipe']
  if (wantsReport) stdio.push('pipe')
  return spawn(file, args, { stdio, env, detached: killAfterMs !== undefined })
}

/**
 * Runs a program to its end.
 * @throws Error of node:child_process, with a `code`, when it cannot be started.
 */
export const runProgram = (program: ProgramStart): Promise<ProgramEnd> =>
  new Promise((resolve, reject) => {
    const child = startProgram(program)
    const limit = program.killAfterMs === undefined ? undefined : limitTime(child, program.killAfterMs)
    const output = new Output()
    output.collect('stdout', child.stdout)
    output.collect('stderr', child.stderr)
    output.collect('report', child.stdio[3] as Readable | undefined)
    child.once('error', (error) => {
      limit?.stop()
      reject(error)
    })
    child.once('exit', () => {
      limit?.stop()
      const drain = setTimeout(() => child.stdio.forEach((stream) => stream?.destroy()), DRAIN_MS)
      child.once('close', () => clearTimeout(drain))
    })
    child.once('close', (exitCode, signal) =>
      resolve({
        exitCode: exitCode ?? undefined,
        signal: signal ?? undefined,
        stdout: output.textOf('stdout'),
        stderr: output.textOf('stderr'),
        report: output.textOf('report'),
        wasLate: limit?.wasLate() ?? false,
        isCutOff: output.isCutOff,
      }),
    )
  })
