import { startControllers, type Controllers } from '../../../agent/controllers.ts'
import type { Config } from '../../../agent/config.ts'
import { readIdentity } from '../../../agent/identity.ts'
import { nodeLease } from '../../../agent/node-lease.ts'
import { OwnNodeCheck } from '../../../agent/own-node-check.ts'
import { startStores } from '../../../agent/stores.ts'
import type { Logger } from '../../../core/logger.ts'
import { createKubeClient } from '../../../kube/client.ts'
import type { Connection } from '../../../kube/connection.ts'
import { createEventRecorder } from '../../../kube/events.ts'
import { storesSynced } from '../../../kube/store-set.ts'
import { createTransport } from '../../../kube/transport.ts'
import { untilItWorks } from '../../../process/patience.ts'
import { Life, mortalTransport } from './life.ts'
import { memoryRoom } from './memory-room.ts'
import type { NodeMemory } from './node-memory.ts'

/** How long the collector keeps a volume that nobody asks for. */
const GRACE_MS = 1_000

const configFor = (nodeName: string, namespace: string): Config => ({
  ...{ nodeName, namespace, podName: `agent-${nodeName}`, podUid: `uid-${nodeName}` },
  ...{
    kubeletDirectory: '/nowhere',
    lvm: 'image',
    systemDirectory: '/nowhere',
    metadataDirectory: '/nowhere',
  },
  ...{
    healthPort: 0,
    logLevel: 'info',
    csiCreateDelete: 'off',
    eraseSharePercent: 50,
    orphanGraceMs: GRACE_MS,
    orphanCollection: 'collect',
  },
  // Each look begins at its own moment within 20 s of a schedule; the first of several counts.
  ...{ reportSchedule: '*/5 * * * *', checkSchedule: '* * * * * *' },
})

export interface AgentOptions {
  readonly connection: Connection
  readonly memory: NodeMemory
  readonly namespace: string
  readonly log: Logger
}

/**
 * The agent of one node, as agent/main.ts starts it but for the CSI service, and started again each time that it dies:
 * the same pod, as when kubelet starts its container again.
 */
export class ModelledAgent {
  readonly #options: AgentOptions
  #life: Life
  #isStopped = false
  /** How often it died. */
  deaths = 0

  constructor(options: AgentOptions) {
    this.#options = options
    this.#life = this.#begin()
  }

  /** Has it die at the `count`th passing of a failpoint. */
  crashAt(point: string, count: number): void {
    this.#life.endAt(point, count)
  }

  crash(): void {
    this.#life.end()
  }

  /** Ends it for good. */
  stop(): void {
    this.#isStopped = true
    this.#life.end()
  }

  #begin(): Life {
    const ended = new AbortController()
    const closing: (() => void)[] = []
    const life = new Life(() => {
      ended.abort()
      for (const close of closing) close()
      if (this.#isStopped) return
      this.deaths += 1
      // Outside the dead one's own work.
      setImmediate(() => {
        if (!this.#isStopped) this.#life = this.#begin()
      })
    })
    life.run(() => {
      this.#start(life, ended.signal, closing).catch((error: unknown) => {
        if (!life.isOver) this.#options.log.error('agent did not start', { error })
      })
    })
    return life
  }

  async #start(life: Life, signal: AbortSignal, closing: (() => void)[]): Promise<void> {
    const { connection, memory, namespace, log } = this.#options
    const { nodeName } = memory
    const config = configFor(nodeName, namespace)
    const started: { controllers?: Controllers } = {}
    const inner = createTransport({ connection })
    closing.push(
      () => inner.close(),
      () => void started.controllers?.stop(),
    )
    const transport = mortalTransport(inner, life)
    const client = createKubeClient(transport)
    const volumes = memoryRoom(memory, life)
    memory.onHandChange = (name, change) => started.controllers?.groupChanged(name, change)
    const reporter = { reportingController: 'loam.storage/agent', reportingInstance: nodeName } as const
    const events = createEventRecorder({ client, log, ...reporter })
    const patience = { log, signal, retryMs: 200 }
    const identity = await untilItWorks('the API server', () => readIdentity(client, config), patience)
    const lease = nodeLease({ client, identity, holder: `${config.podName}_${config.podUid}`, log })
    lease.start()
    const stores = startStores(transport, nodeName, log, signal)
    await storesSynced(stores)
    const ownNode = new OwnNodeCheck({ client, identity, claims: stores.claims, log })
    void ownNode.tried()
    await life.survive()
    started.controllers = startControllers(
      { client, volumes, events, lease, ownNode, log },
      identity,
      stores,
      config,
    )
  }
}
