import { createCsiNode, type CsiNode } from '../csi-node/csi-node.ts'
import { createKubeClient } from '../kube/client.ts'
import { createEventRecorder } from '../kube/events.ts'
import { storesSynced, storesTrouble } from '../kube/store-set.ts'
import { createTransport } from '../kube/transport.ts'
import { createCommandRunner } from '../lvm/command-runner.ts'
import { NodeLock } from '../lvm/node-lock.ts'
import { USUAL_PACE } from '../lvm/erase.ts'
import { createNodeVolumes } from '../lvm/node-volumes.ts'
import { withResidentLvm } from '../lvm/resident-lvm.ts'
import { readConfig, type Config } from './config.ts'
import { connect } from '../kube/connect.ts'
import { startControllers, type Controllers } from './controllers.ts'
import { startHealthServer, type Check } from '../process/health.ts'
import { countOperations } from './counted-volumes.ts'
import { readIdentity } from './identity.ts'
import { operationMetrics } from './metrics.ts'
import { mountOptionsIn } from './persistent-volume.ts'
import { Metrics } from '../process/metrics.ts'
import { nodeLease } from './node-lease.ts'
import { OwnNodeCheck } from './own-node-check.ts'
import { untilItWorks } from '../process/patience.ts'
import { runProgram, type Beginning } from '../process/program.ts'
import { VERSION } from '../process/version.ts'
import { startStores, type Stores } from './stores.ts'

/** On tmpfs of the host: whoever runs on this node finds the same file, and a boot starts without it. */
const LOCK = '/run/loam/agent.lock'

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
const start = async ({ config, log, signal, undo }: Beginning<Config>): Promise<void> => {
  const started: Started = {}
  const metrics = new Metrics()
  const checks = { live: {}, ready: readinessOf(started) }
  const health = await startHealthServer(config.healthPort, checks, metrics)
  undo.push({ what: 'health server', step: () => void health.close() })

  const patience = { log, signal }
  const runner = withResidentLvm(createCommandRunner({ log }), { log })
  const lock = await untilItWorks('the lock of this node', () => NodeLock.take(runner, LOCK), patience)
  undo.push({ what: 'lock', step: () => lock.release() })
  const { nodeName, kubeletDirectory, lvm: location, systemDirectory, metadataDirectory } = config
  const erasePace = { ...USUAL_PACE, share: config.eraseSharePercent / 100 }
  const onNode = await createNodeVolumes({
    ...{ runner, lock, location, systemDirectory, metadataDirectory, erasePace, log },
    onStuckChange: (groupName) => started.controllers?.lookAgain(groupName),
    onGroupChange: (groupName, change) => started.controllers?.groupChanged(groupName, change),
    signal,
  })
  const { volumes, counts } = countOperations(onNode)
  for (const metric of operationMetrics(counts)) metrics.add(metric)

  started.csi = createCsiNode({
    ...{ nodeName, kubeletDirectory, volumes, runner, version: VERSION, log },
    createsVolumes: config.csiCreateDelete === 'on',
    mountOptionsOf: (handle) => mountOptionsIn(started.stores?.persistentVolumes, handle),
    onUnstaged: (handle) => started.controllers?.volumeUnstaged(handle),
  })
  await started.csi.start()
  undo.push({ what: 'CSI service', step: () => started.csi?.stop() })

  const transport = createTransport({ connection: await connect(process.env) })
  undo.push({ what: 'connections', step: () => transport.close() })
  const client = createKubeClient(transport)
  const reporter = { reportingController: 'loam.storage/agent', reportingInstance: nodeName } as const
  const events = createEventRecorder({ client, log, ...reporter })
  undo.push({ what: 'events', step: () => events.flush() })

  // The API server may be away when a node boots; volumes of running pods do not wait for it.
  const identity = await untilItWorks('the API server', () => readIdentity(client, config), patience)
  const holder = `${config.podName}_${config.podUid}`
  const lease = nodeLease({ client, identity, holder, log })
  lease.start()
  undo.push({ what: 'lease', step: () => lease.release() })
  const stores = startStores(transport, nodeName, log, signal)
  started.stores = stores
  await storesSynced(stores)
  const ownNode = new OwnNodeCheck({ client, identity, claims: stores.claims, log })
  // reports wait for it, and no volume does
  void ownNode.tried()
  const ports = { client, volumes, events, lease, ownNode, log }
  const controllers = startControllers(ports, identity, stores, config)
  started.controllers = controllers
  for (const metric of controllers.metrics) metrics.add(metric)
  undo.push({ what: 'controllers', step: () => controllers.stop() })
  log.info('agent started', { clusterId: identity.clusterId })
}

runProgram({ name: 'agent', readConfig, start })
