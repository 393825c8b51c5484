import type { Logger } from '../core/logger.ts'
import { createCsiNode, type CsiNode } from '../csi-node/csi-node.ts'
import { createKubeClient } from '../kube/client.ts'
import { createEventRecorder } from '../kube/events.ts'
import { createTransport } from '../kube/transport.ts'
import { createCommandRunner } from '../lvm/command-runner.ts'
import { NodeLock } from '../lvm/node-lock.ts'
import { USUAL_PACE } from '../lvm/erase.ts'
import { createNodeVolumes } from '../lvm/node-volumes.ts'
import { readConfig, type Config } from './config.ts'
import { connect } from './connect.ts'
import { startControllers, type Controllers } from './controllers.ts'
import { startHealthServer, type Check } from './health.ts'
import { readIdentity } from './identity.ts'
import { NodeLease } from './lease.ts'
import { createLogger } from './log.ts'
import { untilItWorks } from './patience.ts'
import { VERSION } from './version.ts'
import { startStores, storesSynced, storesTrouble, type Stores } from './stores.ts'

/** On tmpfs of the host: whoever runs on this node finds the same file, and a boot starts without it. */
const LOCK = '/run/loam/agent.lock'

const EXIT_WITHIN_MS = 1000
const STOP_PART_WITHIN_MS = 20_000

/** A step that ends what was started; they are run last to first. */
interface Undo {
  readonly what: string
  readonly step: () => Promise<void> | void
}

/** What has been started so far. */
interface Started {
  csi?: CsiNode
  stores?: Stores
  controllers?: Controllers
}

const csiTrouble = (csi: CsiNode): string | undefined => {
  const { listening, registered, problem } = csi.health()
  if (problem !== undefined) return problem
  return listening && registered ? undefined : 'kubelet has not registered the driver yet'
}

const readinessOf = (started: Started): Record<string, Check> => ({
  csi: () => (started.csi === undefined ? 'not started yet' : csiTrouble(started.csi)),
  stores: () =>
    started.stores === undefined ? 'the cluster is not known yet' : storesTrouble(started.stores),
})

/** Starts everything, in the order in which a node needs it: volumes, the CSI service, then the controllers. */
const start = async (config: Config, log: Logger, signal: AbortSignal, undo: Undo[]): Promise<void> => {
  const started: Started = {}
  const health = await startHealthServer(config.healthPort, { live: {}, ready: readinessOf(started) })
  undo.push({ what: 'health server', step: () => void health.close() })

  const patience = { log, signal }
  const runner = createCommandRunner({ log })
  const lock = await untilItWorks('the lock of this node', () => NodeLock.take(runner, LOCK), patience)
  undo.push({ what: 'lock', step: () => lock.release() })
  const { nodeName, kubeletDirectory, lvm: location, systemDirectory, metadataDirectory } = config
  const erasePace = { ...USUAL_PACE, share: config.eraseSharePercent / 100 }
  const volumes = await createNodeVolumes({
    ...{ runner, lock, location, systemDirectory, metadataDirectory, erasePace, log },
    onStuckChange: (groupName) => started.controllers?.lookAgain(groupName),
    onGroupChange: (groupName, change) => started.controllers?.groupChanged(groupName, change),
    signal,
  })

  started.csi = createCsiNode({ nodeName, kubeletDirectory, volumes, runner, version: VERSION, log })
  await started.csi.start()
  undo.push({ what: 'CSI service', step: () => started.csi?.stop() })

  const transport = createTransport({ connection: await connect(config, process.env) })
  undo.push({ what: 'connections', step: () => transport.close() })
  const client = createKubeClient(transport)
  const events = createEventRecorder({ client, log, reportingInstance: nodeName })
  undo.push({ what: 'events', step: () => events.flush() })

  // The API server may be away when a node boots; volumes of running pods do not wait for it.
  const identity = await untilItWorks('the API server', () => readIdentity(client, config), patience)
  const holder = `${config.podName}_${config.podUid}`
  const lease = new NodeLease({ client, identity, holder, log })
  lease.start()
  undo.push({ what: 'lease', step: () => lease.release() })
  const stores = startStores(transport, nodeName, log, signal)
  started.stores = stores
  await storesSynced(stores)
  const controllers = startControllers({ client, volumes, events, lease, log }, identity, stores, config)
  started.controllers = controllers
  undo.push({ what: 'controllers', step: () => controllers.stop() })
  log.info('agent started', { clusterId: identity.clusterId })
}

/**
 * Each part gets its time and no more. The timer also keeps the process alive: what a part waits for may not, and a
 * process that runs empty ends in the middle of its goodbye.
 */
const stopAll = async (undo: readonly Undo[], log: Logger): Promise<void> => {
  for (const { what, step } of [...undo].reverse()) {
    const outOfTime = Promise.withResolvers<never>()
    const timer = setTimeout(() => outOfTime.reject(new Error('it takes too long')), STOP_PART_WITHIN_MS)
    try {
      await Promise.race([step(), outOfTime.promise])
      log.debug('part stopped', { part: what })
    } catch (error) {
      log.error('a part did not stop', { part: what, error })
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Runs the agent until a signal asks it to end; what is being done then is finished first. */
const main = async (): Promise<void> => {
  const config = readConfig(process.env)
  const log = createLogger(config.logLevel).child({ node: config.nodeName })
  log.info('agent starting', { version: VERSION, lvm: config.lvm })
  const stopping = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    // Not `once`: with our listener gone, execa's signal-exit takes itself for the only one and ends the process.
    process.on(name, () => {
      log.info('agent stopping', { signal: name })
      stopping.abort()
    })
  }
  const undo: Undo[] = []
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()))
  try {
    await Promise.race([start(config, log, stopping.signal, undo), stopped])
    await stopped
  } finally {
    await stopAll(undo, log)
    log.info('agent stopped')
  }
}

/** Ends the process once its last lines are written, and in any case soon. */
const exit = (status: number): void => {
  process.exitCode = status
  setTimeout(() => process.exit(), EXIT_WITHIN_MS).unref()
}

main().then(
  () => exit(0),
  (error: unknown) => {
    createLogger('error').error('agent failed', { error })
    exit(1)
  },
)
