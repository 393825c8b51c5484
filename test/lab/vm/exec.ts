import type { Socket } from 'node:net'
import { messageOf } from '../../../core/errors.ts'
import { connectToGuest, readToken } from './channel.ts'
import { LabError } from './errors.ts'
import { encodeFrame, frameReader } from './frames.ts'
import { isRunning } from './processes.ts'
import { quoteAll } from './shell.ts'
import type { ExecOptions, ExecResult } from './types.ts'

/** Who the command runs on. */
export interface Target {
  readonly name: string
  readonly directory: string
  readonly pid: number
}

/** A command as it can stand in a message. */
export const briefly = (command: readonly string[]): string => {
  const text = command.join(' ')
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

const DEATH_WATCH_MS = 200

const request = (token: string, command: readonly string[], options: ExecOptions): Buffer => {
  // script(1) gives its program a terminal
  const argv = options.terminal === true ? ['script', '-qec', quoteAll(command), '/dev/null'] : command
  const environment = Object.entries(options.environment ?? {}).map(([name, value]) => `${name}=${value}`)
  return Buffer.concat([
    encodeFrame('T', token),
    ...argv.map((argument) => encodeFrame('A', argument)),
    ...environment.map((assignment) => encodeFrame('E', assignment)),
    ...(options.directory === undefined ? [] : [encodeFrame('D', options.directory)]),
    encodeFrame('G'),
  ])
}

/** Sends the input; gives what undoes it, so that this process's own input does not keep it alive. */
const sendInput = (socket: Socket, input: ExecOptions['input']): (() => void) => {
  const end = (): boolean => socket.write(encodeFrame('C'))
  if (input !== 'inherit') {
    if (input !== undefined) socket.write(encodeFrame('I', input.text))
    end()
    return () => undefined
  }
  const pass = (data: Buffer): boolean => socket.write(encodeFrame('I', data))
  process.stdin.on('data', pass).once('end', end)
  return () => process.stdin.off('data', pass).off('end', end).pause()
}

/** Ends the wait when the VM has died, which the network would hide for minutes, or when the time is over. */
const watch = (pid: number, timeoutMs: number | undefined, end: (what: string) => void): (() => void) => {
  const death = setInterval(() => {
    if (!isRunning(pid)) end('ended while it ran')
  }, DEATH_WATCH_MS)
  const late = (): void => end(`no end within ${timeoutMs ?? 0} ms of`)
  const timeout = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs)
  return () => {
    clearInterval(death)
    clearTimeout(timeout)
  }
}

/** Takes what the program writes: keeps it, or passes it on at once. */
const outputOf = (options: ExecOptions, stream: NodeJS.WriteStream) => {
  const kept: Buffer[] = []
  const take = (data: Buffer): void => {
    if (options.output === 'inherit') stream.write(data)
    else kept.push(data)
  }
  return { take, text: () => Buffer.concat(kept).toString('utf8') }
}

/** Reads frames until the exit status; rejects with a word on what came in between instead. */
const converse = (socket: Socket, pid: number, options: ExecOptions): Promise<ExecResult> => {
  const stdout = outputOf(options, process.stdout)
  const stderr = outputOf(options, process.stderr)
  const read = frameReader()
  const { promise, resolve, reject } = Promise.withResolvers<ExecResult>()
  const fail = (what: string): void => reject(new Error(what))
  const handlers: Readonly<Record<string, (payload: Buffer) => void>> = {
    O: stdout.take,
    R: stderr.take,
    X: (status) =>
      resolve({ stdout: stdout.text(), stderr: stderr.text(), exitCode: Number(status.toString()) }),
  }
  socket.on('data', (piece: Buffer) => read(piece).forEach(({ type, payload }) => handlers[type]?.(payload)))
  socket.on('error', (error) => fail(`lost the connection (${error.message}) while it ran`))
  socket.on('close', () => fail(`lost the connection while it ran`))
  const stopWatch = watch(pid, options.timeoutMs, fail)
  return promise.finally(stopWatch)
}

/** Runs a program in the guest; see Vm.exec. When the wait ends early, the program is killed. */
export const execInVm = async (
  target: Target,
  command: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> => {
  const failure = (what: string, cause?: unknown): LabError =>
    new LabError(`VM ${target.name}`, `${what}: ${briefly(command)}`, { cause })
  if (!isRunning(target.pid)) throw failure('is not running, so it cannot run')
  const [socket, token] = await Promise.all([connectToGuest(target.directory), readToken(target.directory)])
  const result = converse(socket, target.pid, options)
  socket.write(request(token, command, options))
  const stopInput = sendInput(socket, options.input)
  try {
    return await result
  } catch (cause) {
    throw failure(messageOf(cause), cause)
  } finally {
    stopInput()
    socket.destroy()
  }
}
