import type { Logger } from '../core/logger.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import type { ClassView } from '../kube/class-view.ts'
import type { ObjectStore } from '../kube/types.ts'
import type { Metric } from '../process/metrics.ts'
import type { ExtenderConfig } from './config.ts'
import { ExtenderMetrics } from './extender-metrics.ts'
import { startExtenderServer } from './extender-server.ts'
import { Extender } from './extender.ts'
import type { NodeView } from './node-view.ts'
import type { Reckoning } from './reckoning.ts'

/** kubelet itself brings a changed Secret to a pod within about a minute. */
const REREAD_MS = 10_000

interface Stores {
  readonly claims: ObjectStore<ClaimView>
  readonly classes: ObjectStore<ClassView>
  readonly nodes: ObjectStore<NodeView>
}

export interface RunningExtender {
  readonly port: number
  readonly metrics: readonly Metric[]
  /** What makes kube-scheduler turn away; undefined when nothing is known. */
  problem(): string | undefined
  close(): Promise<void>
}

/** Answers kube-scheduler from now on. The stores have to be synced. */
export const startExtender = async (
  config: ExtenderConfig,
  stores: Stores,
  reckoning: Reckoning,
  log: Logger,
): Promise<RunningExtender> => {
  const metrics = new ExtenderMetrics()
  const extender = new Extender({
    ...reckoning,
    claim: (key) => stores.claims.get(key),
    storageClass: (name) => stores.classes.get(name),
    node: (name) => stores.nodes.get(name),
    refused: (reason) => metrics.refused(reason),
  })
  const { host, port, filterVerb, prioritizeVerb, tlsDirectory } = config
  const server = await startExtenderServer({
    ...{ host, port, log, answers: extender },
    verbs: { filter: filterVerb, prioritize: prioritizeVerb },
    tls: tlsDirectory === undefined ? undefined : { directory: tlsDirectory, rereadMs: REREAD_MS },
    onRequest: (verb, status, ms) => metrics.answered(verb, status, ms),
  })
  const expiry: Metric = {
    ...{ kind: 'gauge', name: 'loam_scheduler_extender_certificate_expiry_seconds' },
    help: 'When the certificate of the extender expires, in seconds since 1970.',
    read: () => {
      const expiresAtMs = server.certificateExpiresAtMs()
      return expiresAtMs === undefined ? [] : [{ value: expiresAtMs / 1000 }]
    },
  }
  return {
    port: server.port,
    metrics: [...metrics.metrics, expiry],
    problem: () => server.problem(),
    close: () => server.close(),
  }
}
