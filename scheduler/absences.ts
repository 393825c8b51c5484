import { agentLeaseName } from '../core/naming.ts'
import type { AbsenceReason } from '../crd/absence.ts'
import type { Lease, LeaseClock } from '../kube/lease.ts'
import { LEASES, NODES } from '../kube/resources.ts'
import type { KubeClient, KubeObject, ObjectStore } from '../kube/types.ts'
import type { AgentLease } from './agent-lease.ts'
import type { NodeView } from './node-view.ts'

/**
 * After so long without a renewal the agent of a node counts as silent. It renews every 23 seconds at most, believes
 * in its Lease for 40, and others take it for lapsed after 60: what it had begun then has had time to end.
 */
export const SILENT_AFTER_MS = 120_000
/** After a time has come: a renewal that is on its way gets here first. */
const MARGIN_MS = 1000
/** What is silent is looked at again so often. */
const STILL_SILENT_MS = 60_000

/** Why nobody acts on a node. */
export interface Absence {
  readonly reason: AbsenceReason
  /** `node "n1" does not exist (any more)` */
  readonly what: string
}

interface Tools {
  readonly client: Pick<KubeClient, 'get'>
  readonly namespace: string
  readonly lease: LeaseClock
  readonly stores: {
    readonly nodes: Pick<ObjectStore<NodeView>, 'get'>
    readonly agentLeases: Pick<ObjectStore<AgentLease>, 'get'>
  }
  /** Milliseconds of a clock that never jumps. */
  readonly now?: () => number
}

/**
 * Tells which nodes have gone, and which have no agent that acts.
 *
 * Silence is measured by the own clock, from the last change of the agent's Lease that was seen here, and only while this
 * process holds its own Lease without a break: when the API server was away nobody could renew anything. Before it is
 * believed, Node and Lease are read by quorum.
 */
export class Absences {
  readonly #tools: Tools
  readonly #now: () => number
  readonly #heardAtMs = new Map<string, number>()

  constructor(tools: Tools) {
    this.#tools = tools
    this.#now = tools.now ?? (() => performance.now())
  }

  /** The Lease of the node's agent was made, renewed or deleted. */
  heard(nodeName: string): void {
    this.#heardAtMs.set(nodeName, this.#now())
  }

  /** The Node has gone, and its Lease with it: nothing is remembered of it. */
  forget(nodeName: string): void {
    this.#heardAtMs.delete(nodeName)
  }

  /** When to look at the node again, though nothing is heard of it: when its agent may count as silent. */
  lookAgainMs(nodeName: string): number {
    const leftMs = SILENT_AFTER_MS - this.#silentMs(nodeName)
    return leftMs > 0 ? leftMs + MARGIN_MS : STILL_SILENT_MS
  }

  /** Why nobody acts on the node now; undefined when somebody may. @throws whatever should be tried again. */
  async of(nodeName: string): Promise<Absence | undefined> {
    const { client, stores } = this.#tools
    const isKnown = stores.nodes.get(nodeName) !== undefined
    if (!isKnown && (await client.get<KubeObject>(NODES, { name: nodeName })) === undefined)
      return { reason: 'NodeGone', what: `node "${nodeName}" does not exist (any more)` }
    if (!(await this.#isSilent(nodeName))) return undefined
    const seconds = Math.round(this.#silentMs(nodeName) / 1000)
    return {
      reason: 'AgentSilent',
      what: `the agent of node "${nodeName}" has given no sign of life for ${seconds} s`,
    }
  }

  #silentMs(nodeName: string): number {
    const heardAtMs = this.#heardAtMs.get(nodeName)
    const heldForMs = this.#tools.lease.heldForMs()
    return heardAtMs === undefined ? heldForMs : Math.min(this.#now() - heardAtMs, heldForMs)
  }

  async #isSilent(nodeName: string): Promise<boolean> {
    if (this.#silentMs(nodeName) < SILENT_AFTER_MS) return false
    const { client, namespace, stores } = this.#tools
    const name = agentLeaseName(nodeName)
    // before the answer: what the watch brings while it is on its way is a sign of life
    const seen = stores.agentLeases.get(`${namespace}/${name}`)?.resourceVersion
    const lease = await client.get<Lease>(LEASES, { namespace, name })
    if (lease?.metadata.resourceVersion === seen) return this.#silentMs(nodeName) >= SILENT_AFTER_MS
    // the watch is behind
    this.heard(nodeName)
    return false
  }
}
