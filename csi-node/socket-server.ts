import { chmod, lstat, mkdir, rename, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { Server, ServerCredentials, type ServerInterceptor } from '@grpc/grpc-js'

import { messageOf } from '../core/errors.ts'
import { atStep } from '../core/failpoints.ts'
import { SocketUnusable } from './errors.ts'
import { codeOf } from './system-error.ts'

export interface SocketServerOptions {
  readonly path: string
  readonly interceptors: readonly ServerInterceptor[]
  /** Called for each new server: a socket that was removed by others is made again. */
  readonly addServices: (server: Server) => void
}

/** Address of a unix socket: sun_path has 108 bytes, the last of them zero (unix(7)). */
const MAX_PATH_BYTES = 107

/** CSI requests are small (CSI specification, Size Limits). */
const MAX_REQUEST_BYTES = 1024 * 1024

/** Of one connection at a time; further ones wait. Kubelet makes one connection for each of its calls. */
const MAX_CALLS = 100

const ABSENT: readonly (string | undefined)[] = ['ENOENT', 'ECONNREFUSED']

/** True when a process accepts connections there; false when nothing is there, or only a left-over file. */
const isAnswered = (path: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error) => {
      if (ABSENT.includes(codeOf(error))) resolve(false)
      else reject(new SocketUnusable(path, `cannot tell whether it is in use: ${error.message}`))
    })
  })

/** What tells our socket from one that another process put in its place; inode numbers alone are used again. */
const identityOf = async (path: string): Promise<string | undefined> => {
  try {
    const found = await lstat(path, { bigint: true })
    if (!found.isSocket()) throw new SocketUnusable(path, 'something that is not a socket is there')
    return `${found.dev}:${found.ino}:${found.ctimeNs}`
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * A gRPC server on a unix socket that lies in a directory of the host and so outlives the process.
 *
 * The socket is bound under a hidden name, closed to others, and then renamed into place. So it is never visible
 * half made, and the unlink that libuv does by name on closing can never hit the socket of a successor.
 */
export class SocketServer {
  readonly path: string
  readonly #options: SocketServerOptions
  readonly #boundPath: string
  #running: { server: Server; identity: string } | undefined

  constructor(options: SocketServerOptions) {
    this.path = options.path
    this.#options = options
    this.#boundPath = join(dirname(options.path), `.${basename(options.path)}`)
    const bytes = Buffer.byteLength(this.#boundPath)
    if (bytes > MAX_PATH_BYTES) {
      throw new SocketUnusable(
        options.path,
        `its path is too long for a socket by ${bytes - MAX_PATH_BYTES} bytes`,
        {
          advice: 'use a kubelet directory with a shorter path',
        },
      )
    }
  }

  /**
   * Listens, unless the socket is there and ours. A file that nobody answers behind is replaced.
   * @throws SocketUnusable, above all while another process answers there.
   */
  async ensureListening(): Promise<void> {
    if (await this.#isOurs()) return
    await this.close(0)
    if ((await identityOf(this.path)) !== undefined && (await isAnswered(this.path))) {
      throw new SocketUnusable(this.path, 'another process answers there', {
        advice: 'two agents run on this node: wait until the older one has ended',
      })
    }
    await this.#listen()
  }

  /** Takes no new calls, waits for running ones for at most `graceMs`, then ends them. */
  async close(graceMs: number): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    const ours = await this.#isOurs()
    this.#running = undefined
    if (ours) await atStep('remove-socket', () => rm(this.path, { force: true }))
    const drained = new Promise<void>((resolve) => running.server.tryShutdown(() => resolve()))
    const timer = new AbortController()
    await Promise.race([drained, delay(graceMs, undefined, { signal: timer.signal }).catch(() => undefined)])
    timer.abort()
    running.server.forceShutdown()
  }

  async #isOurs(): Promise<boolean> {
    return this.#running !== undefined && (await identityOf(this.path)) === this.#running.identity
  }

  async #listen(): Promise<void> {
    const { path } = this
    const { interceptors, addServices } = this.#options
    const server = new Server({
      'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
      'grpc.max_concurrent_streams': MAX_CALLS,
      interceptors: [...interceptors],
    })
    addServices(server)
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await atStep('remove-socket', () => rm(this.#boundPath, { force: true }))
      await bind(server, this.#boundPath)
      await chmod(this.#boundPath, 0o600)
      await atStep('show-socket', () => rename(this.#boundPath, path))
    } catch (error) {
      server.forceShutdown()
      throw new SocketUnusable(path, `cannot listen: ${messageOf(error)}`, { cause: error })
    }
    const identity = await identityOf(path)
    if (identity === undefined) {
      server.forceShutdown()
      throw new SocketUnusable(path, 'it was removed at once by another process')
    }
    this.#running = { server, identity }
  }
}

const bind = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
