import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { credentials, type ServiceError } from '@grpc/grpc-js'

import type { LogFields, Logger } from '../../../core/logger.ts'
import type { VolumeHandle } from '../../../core/naming.ts'
import { createCsiNode, type CsiNode, type CsiNodeOptions } from '../../../csi-node/csi-node.ts'
import { registrationSocketName } from '../../../csi-node/registration-socket.ts'
import { ControllerClient, IdentityClient, NodeClient } from '../../../csi-node/gen/csi.ts'
import { RegistrationClient } from '../../../csi-node/gen/pluginregistration.ts'
import type { CommandRunner } from '../../../lvm/command-runner.ts'
import type { NodeVolumes } from '../../../lvm/types.ts'

/** Makes a call and waits for its answer. Rejects with grpc-js' ServiceError. */
export const ask = <Response>(
  makeCall: (done: (error: ServiceError | null, response: Response) => void) => unknown,
): Promise<Response> =>
  new Promise((resolve, reject) => {
    makeCall((error, response) => {
      if (error === null) resolve(response)
      else reject(error)
    })
  })

/** Whether a promise is fulfilled. */
export const succeeds = (promise: Promise<unknown>): Promise<boolean> =>
  promise.then(
    () => true,
    () => false,
  )

interface LogLine {
  readonly level: string
  readonly message: string
  readonly fields: LogFields
}

const recordingLogger = (lines: LogLine[]): Logger => {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields })
    }
  const log: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  }
  return log
}

/** Fails the test that would mount something. */
const noCommands: CommandRunner = {
  run: ({ file, args }) => Promise.reject(new Error(`not for this test: ${file} ${args.join(' ')}`)),
}

export interface CsiHarness extends AsyncDisposable {
  readonly kubeletDirectory: string
  readonly node: CsiNode
  readonly identity: IdentityClient
  readonly service: NodeClient
  readonly controller: ControllerClient
  readonly registration: RegistrationClient
  readonly log: LogLine[]
  /** Volumes of which the node was told that kubelet let go. */
  readonly unstaged: VolumeHandle[]
}

export interface CsiHarnessOptions {
  readonly volumes: NodeVolumes
  readonly runner?: CommandRunner
  readonly createsVolumes?: boolean
  readonly mountOptionsOf?: CsiNodeOptions['mountOptionsOf']
  /** A directory for this node alone; it is removed at the end when it is not given. */
  readonly kubeletDirectory?: string
}

const makeTemporaryDirectory = async (): Promise<string> =>
  realpath(await mkdtemp(join(tmpdir(), 'loam-csi-')))

/** A CSI node in a kubelet directory of its own, with real clients for its two sockets. */
export const startCsiNode = async (options: CsiHarnessOptions): Promise<CsiHarness> => {
  const kubeletDirectory = options.kubeletDirectory ?? (await makeTemporaryDirectory())
  await mkdir(join(kubeletDirectory, 'plugins_registry'), { recursive: true })
  const log: LogLine[] = []
  const unstaged: VolumeHandle[] = []
  const node = createCsiNode({
    nodeName: 'node-1',
    kubeletDirectory,
    volumes: options.volumes,
    runner: options.runner ?? noCommands,
    version: '1.2.3',
    log: recordingLogger(log),
    checkIntervalMs: 10,
    slowCallMs: 50,
    createsVolumes: options.createsVolumes ?? false,
    mountOptionsOf: options.mountOptionsOf ?? (() => undefined),
    onUnstaged: (handle) => unstaged.push(handle),
  })
  await node.start()
  const driverAddress = `unix:${kubeletDirectory}/plugins/loam.storage/csi.sock`
  const registrationAddress = `unix:${kubeletDirectory}/plugins_registry/${registrationSocketName()}`
  const clients = {
    identity: new IdentityClient(driverAddress, credentials.createInsecure()),
    service: new NodeClient(driverAddress, credentials.createInsecure()),
    controller: new ControllerClient(driverAddress, credentials.createInsecure()),
    registration: new RegistrationClient(registrationAddress, credentials.createInsecure()),
  }
  return {
    kubeletDirectory,
    node,
    ...clients,
    log,
    unstaged,
    [Symbol.asyncDispose]: async () => {
      for (const client of Object.values(clients)) client.close()
      await node.stop(0)
      if (options.kubeletDirectory === undefined) await rm(kubeletDirectory, { recursive: true })
    },
  }
}

/** Waits until the condition holds; the test's own time limit is the end of it. */
export const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5))
}
