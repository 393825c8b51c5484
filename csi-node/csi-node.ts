import { chmod, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { DRIVER_NAME, type VolumeHandle } from '../core/naming.ts'
import type { CommandRunner } from '../lvm/command-runner.ts'
import type { NodeVolumes } from '../lvm/types.ts'
import { addCsiServices } from './csi-services.ts'
import { InvalidField } from './errors.ts'
import { logCalls } from './log-calls.ts'
import { createMountCommands } from './mount-commands.ts'
import type { NodeContext } from './node-context.ts'
import { Registration } from './registration.ts'
import { registrationSocketName, registryIn, removeEarlierSockets } from './registration-socket.ts'
import { SocketServer } from './socket-server.ts'
import { VolumeLocks } from './volume-locks.ts'

export interface CsiNodeOptions {
  /** Name of this Node object. */
  readonly nodeName: string
  /** `--root-dir` of kubelet, at the same path here as on the host: `/var/lib/kubelet` unless it was changed. */
  readonly kubeletDirectory: string
  readonly volumes: NodeVolumes
  /** Runs mount(8) and umount(8) in this process's own mount namespace. */
  readonly runner: CommandRunner
  readonly version: string
  /** Whether CreateVolume and DeleteVolume are served; not when absent. */
  readonly createsVolumes?: boolean
  /** As NodeContext has it; without it no volume is mounted with an SELinux label. */
  readonly mountOptionsOf?: NodeContext['mountOptionsOf']
  /** Told when kubelet has let go of a volume: whoever waits for that need not wait longer. */
  readonly onUnstaged?: (handle: VolumeHandle) => void
  readonly log: Logger
  /** After how long a call that has not ended is told in the log; 30 s. */
  readonly slowCallMs?: number
  /** How often sockets that others removed are looked for; 2 s. */
  readonly checkIntervalMs?: number
}

interface CsiNodeHealth {
  /** The driver's socket and the registration socket are served. */
  readonly listening: boolean
  /** Kubelet said so, since the registration socket was last made. */
  readonly registered: boolean
  /** What is in the way, for people. */
  readonly problem: string | undefined
}

export interface CsiNode {
  /** Serves both sockets as soon as no other process does, and again whenever one vanishes. @throws InvalidField */
  start(): Promise<void>
  /** Takes the registration back, lets running calls end for at most `graceMs`, and removes the sockets. */
  stop(graceMs?: number): Promise<void>
  health(): CsiNodeHealth
}

const CHECK_INTERVAL_MS = 2_000
const GRACE_MS = 20_000

const requireKubeletDirectory = async (path: string): Promise<void> => {
  const registry = registryIn(path)
  const found = await stat(registry).catch(() => undefined)
  if (found?.isDirectory() === true && join(path) === path && path.startsWith('/')) return
  throw new InvalidField(
    'kubelet directory',
    `"${path}" is not one: there is no directory "${registry}"`,
    'give the directory that kubelet has as --root-dir, without a slash at its end, and mount it here at the same path',
  )
}

/** Only root may come near the driver's socket. */
const makePrivate = async (directory: string): Promise<void> => {
  await mkdir(directory, { recursive: true })
  await chmod(directory, 0o700)
}

/** The CSI service of this node: the driver's socket, and its registration with kubelet. */
export const createCsiNode = (options: CsiNodeOptions): CsiNode => {
  const { kubeletDirectory, version, log } = options
  const pluginDirectory = join(kubeletDirectory, 'plugins', DRIVER_NAME)
  const context: NodeContext = {
    nodeName: options.nodeName,
    kubeletDirectory,
    volumes: options.volumes,
    mounts: createMountCommands(options.runner),
    locks: new VolumeLocks(),
    mountOptionsOf: options.mountOptionsOf ?? (() => undefined),
    onUnstaged: options.onUnstaged ?? (() => undefined),
  }
  const driverSocket = new SocketServer({
    path: join(pluginDirectory, 'csi.sock'),
    interceptors: [logCalls(log, options.slowCallMs)],
    addServices: (server) =>
      addCsiServices(server, { context, version, createsVolumes: options.createsVolumes ?? false, log }),
  })
  const registration = new Registration({ endpoint: driverSocket.path, log, now: Date.now })
  const registrationSocket = new SocketServer({
    path: join(registryIn(kubeletDirectory), registrationSocketName()),
    interceptors: [],
    addServices: (server) => registration.addService(server),
  })
  let timer: NodeJS.Timeout | undefined
  let checking: Promise<void> | undefined
  let problem: string | undefined = 'not started'

  /** Kubelet calls the driver's socket as soon as it finds the other, so that one comes second. */
  const serve = async (): Promise<void> => {
    await driverSocket.ensureListening()
    if (registration.takeRetry()) await registrationSocket.close(0)
    await registrationSocket.ensureListening()
  }

  const check = async (): Promise<void> => {
    const before = problem
    try {
      await serve()
      problem = undefined
      if (before !== undefined) log.info('CSI sockets are served', { endpoint: driverSocket.path })
    } catch (error) {
      problem = messageOf(error)
      if (problem !== before) log.error('CSI sockets cannot be served', { error: problem })
    }
  }

  return {
    start: async () => {
      await requireKubeletDirectory(kubeletDirectory)
      await makePrivate(pluginDirectory)
      await removeEarlierSockets(kubeletDirectory)
      await check()
      timer = setInterval(() => {
        checking ??= check().finally(() => (checking = undefined))
      }, options.checkIntervalMs ?? CHECK_INTERVAL_MS)
    },
    stop: async (graceMs = GRACE_MS) => {
      clearInterval(timer)
      await checking
      await registrationSocket.close(0)
      await driverSocket.close(graceMs)
    },
    health: () => {
      const { state } = registration
      return {
        listening: problem === undefined,
        registered: state.kind === 'registered',
        problem:
          problem ?? (state.kind === 'refused' ? `kubelet refused the driver: ${state.error}` : undefined),
      }
    },
  }
}
