import { createKubeClient } from '../kube/client.ts'
import { connect } from '../kube/connect.ts'
import { createEventRecorder } from '../kube/events.ts'
import { HeldLease } from '../kube/lease.ts'
import { storesSynced, storesTrouble } from '../kube/store-set.ts'
import { createTransport } from '../kube/transport.ts'
import { startHealthServer } from '../process/health.ts'
import { Metrics } from '../process/metrics.ts'
import { runProgram, type Beginning } from '../process/program.ts'
import { readConfig, type Config } from './config.ts'
import { startControllers } from './controllers.ts'
import { startReckoning } from './reckoning.ts'
import { startExtender, type RunningExtender } from './start-extender.ts'
import { startStores, type Stores } from './stores.ts'

/** Starts everything. A replica that does not hold the Lease keeps the same view of the cluster, and only looks. */
const start = async ({ config, log, signal, undo }: Beginning<Config>): Promise<void> => {
  const started: { stores?: Stores; extender?: RunningExtender } = {}
  const metrics = new Metrics()
  const ready = {
    stores: () =>
      started.stores === undefined ? 'the cluster is not known yet' : storesTrouble(started.stores),
    extender: () => started.extender?.problem(),
  }
  const health = await startHealthServer(config.healthPort, { live: {}, ready }, metrics)
  undo.push({ what: 'health server', step: () => void health.close() })

  const transport = createTransport({ connection: await connect(process.env) })
  undo.push({ what: 'connections', step: () => transport.close() })
  const client = createKubeClient(transport)
  const { podName, podUid, namespace } = config
  const reporter = { reportingController: 'loam.storage/scheduler', reportingInstance: podName } as const
  const events = createEventRecorder({ client, log, ...reporter })
  undo.push({ what: 'events', step: () => events.flush() })

  const stores = startStores(transport, namespace, log, signal)
  started.stores = stores
  await storesSynced(stores)
  const reckoning = startReckoning(stores)
  for (const metric of reckoning.metrics) metrics.add(metric)
  if (config.extender !== undefined) {
    const extender = await startExtender(config.extender, stores, reckoning, log)
    started.extender = extender
    for (const metric of extender.metrics) metrics.add(metric)
    undo.push({ what: 'extender', step: () => extender.close() })
  }
  const name = { namespace, name: 'loam-scheduler' }
  const lease = new HeldLease({ client, name, holder: `${podName}_${podUid}`, log })
  lease.start()
  undo.push({ what: 'lease', step: () => lease.release() })
  const controllers = startControllers({ client, events, log, lease, stores, reckoning, namespace })
  for (const metric of controllers.metrics) metrics.add(metric)
  undo.push({ what: 'controllers', step: () => controllers.stop() })
  log.info('scheduler started')
}

runProgram({ name: 'scheduler', readConfig, start })
