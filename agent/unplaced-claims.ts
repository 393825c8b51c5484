import { describeBytes, parseQuantity } from '../core/quantity.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import { AlreadyExists } from '../kube/errors.ts'
import { eventObject } from '../kube/event-object.ts'
import { EVENTS, NODE_LOCAL_STORAGES } from '../kube/resources.ts'
import type { KubeObject, ObjectKey } from '../kube/types.ts'
import type { ClaimTools } from './claim-tools.ts'
import type { ClaimView } from './claim-view.ts'
import { claimEvent } from './claim-writes.ts'

/** An event's note ends at 1024 bytes; this many nodes fit with names of any length that Kubernetes allows. */
const MAX_NODES_NAMED = 8

const largestOf = (report: NodeLocalStorage): bigint =>
  parseQuantity(report.status?.volumeGroup?.largestVolume ?? '0') ?? 0n

/** "node1 996 MiB, node2 0 B, and 3 more", the roomiest first. */
const listNodes = (reports: readonly NodeLocalStorage[]): string => {
  const sorted = reports
    .map((report) => ({ node: report.spec.nodeName, largest: largestOf(report) }))
    .sort((a, b) => (a.largest === b.largest ? a.node.localeCompare(b.node) : a.largest > b.largest ? -1 : 1))
  const named = sorted
    .slice(0, MAX_NODES_NAMED)
    .map(({ node, largest }) => `${node} ${describeBytes(largest)}`)
  const more = sorted.length - named.length
  return `${named.join(', ')}${more > 0 ? `, and ${more} more` : ''}`
}

/**
 * Tells the owner of a claim that fits on no node why, node by node: kube-scheduler only counts nodes. The agents
 * need no leader for it: each waits a random moment, and the event's fixed name lets one of them speak.
 */
export class UnplacedClaims {
  readonly #tools: ClaimTools

  constructor(tools: ClaimTools) {
    this.#tools = tools
  }

  /** When a claim without a node should be looked at: a random time, so that all agents do not speak at once. */
  readonly delayMs = (): number => 3000 + Math.random() * 7000

  async reconcile(key: ObjectKey): Promise<undefined> {
    const claim = this.#tools.claims.get(key)
    if (claim === undefined || claim.selectedNode !== undefined || claim.isBeingDeleted) return undefined
    const message = await this.#whyNowhere(claim)
    if (message !== undefined) await this.#tell(claim, message)
    return undefined
  }

  /** Undefined when some node has room, or when this node has no say in it. */
  async #whyNowhere(claim: ClaimView): Promise<string | undefined> {
    const storageClass = this.#tools.classes.find(claim.storageClassName)
    if (storageClass === undefined || claim.requestBytes === undefined) return undefined
    if ('error' in storageClass.settings) return storageClass.settings.error.message
    if ((await this.#tools.classes.stateOf(storageClass.name)) === undefined) return undefined
    const { requestBytes } = claim
    const reports: NodeLocalStorage[] = []
    await this.#tools.ports.client.list<NodeLocalStorage>(NODE_LOCAL_STORAGES, {}, (report) => {
      if (report.spec.storageClassName === storageClass.name) reports.push(report)
    })
    if (reports.some((report) => largestOf(report) >= requestBytes)) return undefined
    return `no node has room for ${claim.request} (${describeBytes(requestBytes)}); the largest volume that fits: ${listNodes(reports)}`
  }

  async #tell(claim: ClaimView, message: string): Promise<void> {
    const { client, log } = this.#tools.ports
    const reporter = { controller: 'loam.storage/agent', instance: this.#tools.identity.nodeName }
    const request = claimEvent(claim, {
      type: 'Warning',
      reason: 'NoNodeHasRoom',
      action: 'Provision',
      message,
    })
    const event = eventObject(request, reporter, new Date())
    const name = `loam-no-room-${claim.uid}`
    if ((await client.get<KubeObject>(EVENTS, { namespace: claim.namespace, name })) !== undefined) return
    try {
      await client.create(EVENTS, { ...event, metadata: { ...event.metadata, name } })
      log.info('claim fits nowhere', { claim: `${claim.namespace}/${claim.name}`, detail: message })
    } catch (error) {
      if (!(error instanceof AlreadyExists)) throw error
    }
  }
}
