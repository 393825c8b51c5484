import { silentLogger, type Logger } from '../../../core/logger.ts'
import { TOPOLOGY_KEY } from '../../../core/naming.ts'
import type { StorageClass } from '../../../kube/class-view.ts'
import type { Connection } from '../../../kube/connection.ts'
import { AlreadyExists } from '../../../kube/errors.ts'
import { NAMESPACES, NODES, STORAGE_CLASSES } from '../../../kube/resources.ts'
import type { KubeClient, KubeObject, ResourceType } from '../../../kube/types.ts'
import type { Chronicles } from './chronicle.ts'
import { FaultyWay } from './faulty-way.ts'
import { ModelledAgent } from './modelled-agent.ts'
import { NodeMemory } from './node-memory.ts'
import { ScriptedScheduler } from './scheduler.ts'

const SERVICE_ACCOUNTS: ResourceType = {
  ...{ group: '', version: 'v1', plural: 'serviceaccounts', kind: 'ServiceAccount', namespaced: true },
}
const NODE_EXTENTS = 24n

/** What the sequences of one file share: the API server and the record of what happens there. */
export interface Cluster {
  readonly client: KubeClient
  readonly upstream: Connection
  readonly chronicles: Chronicles
}

export interface ModelNode {
  readonly name: string
  readonly memory: NodeMemory
  readonly way: FaultyWay
  readonly agent: ModelledAgent
}

/** Two nodes, a class and a namespace of one sequence: sequences do not meet, so several run at a time. */
export class World {
  readonly name: string
  readonly cluster: Cluster
  readonly nodes: readonly ModelNode[]
  readonly scheduler: ScriptedScheduler
  readonly #log: Logger
  /** What was seen to be wrong while the sequence ran. */
  readonly violations: string[] = []
  #scheduling: Promise<void>

  private constructor(
    name: string,
    cluster: Cluster,
    parts: { way: FaultyWay; memory: NodeMemory }[],
    log: Logger,
  ) {
    this.name = name
    this.cluster = cluster
    this.#log = log
    this.nodes = parts.map(({ way, memory }) => ({
      ...{ name: memory.nodeName, way, memory },
      agent: new ModelledAgent({
        ...{ connection: way.connection, memory, namespace: name },
        log: log.child({ node: memory.nodeName }),
      }),
    }))
    this.scheduler = new ScriptedScheduler({
      ...{ client: cluster.client, chronicles: cluster.chronicles, namespace: name, storageClassName: name },
      nodes: this.nodes.map((node) => node.name),
    })
    this.#scheduling = this.scheduler.run()
    this.#scheduling.catch((error: unknown) => this.violations.push(String(error)))
  }

  static async begin(name: string, cluster: Cluster, log: Logger = silentLogger): Promise<World> {
    const { client } = cluster
    await client.create(NAMESPACES, { metadata: { name } })
    await client.create(SERVICE_ACCOUNTS, { metadata: { namespace: name, name: 'default' } })
    const nodeNames = ['a', 'b'].map((letter) => `${name}-${letter}`)
    for (const node of nodeNames)
      await client.create(NODES, { metadata: { name: node, labels: { [TOPOLOGY_KEY]: node } } })
    await createClass(client, name)
    const parts = await Promise.all(
      nodeNames.map(async (node) => ({
        way: await FaultyWay.open(cluster.upstream),
        memory: new NodeMemory(node, NODE_EXTENTS),
      })),
    )
    return new World(name, cluster, parts, log)
  }

  node(index: number): ModelNode {
    const node = this.nodes[index % this.nodes.length]
    if (node === undefined) throw new Error('a world has nodes')
    return node
  }

  nodeNamed(name: string | undefined): ModelNode | undefined {
    return this.nodes.find((node) => node.name === name)
  }

  violate(what: string): void {
    this.#log.error(what)
    if (!this.violations.includes(what)) this.violations.push(what)
  }

  /** Takes the faults away, and has everybody see what is. */
  async heal(): Promise<void> {
    for (const { way, memory } of this.nodes) {
      way.heal()
      memory.heal()
    }
    this.scheduler.adds = true
    await createClass(this.cluster.client, this.name).catch((error: unknown) => {
      if (!(error instanceof AlreadyExists)) throw error
    })
  }

  async end(): Promise<void> {
    this.scheduler.stop()
    await this.#scheduling.catch(() => undefined)
    for (const { agent, way } of this.nodes) {
      agent.stop()
      way.close()
    }
  }
}

export const createClass = (client: KubeClient, name: string): Promise<KubeObject> =>
  client.create<StorageClass>(STORAGE_CLASSES, {
    ...{ metadata: { name }, provisioner: 'loam.storage', reclaimPolicy: 'Delete' },
    ...{ volumeBindingMode: 'WaitForFirstConsumer', allowVolumeExpansion: true },
    parameters: { disks: JSON.stringify([{ nodes: [`${name}-a`, `${name}-b`], disks: ['/dev/vdb'] }]) },
  })
