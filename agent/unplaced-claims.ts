import { nameNodes } from '../core/name-nodes.ts'
import { describeBytes } from '../core/quantity.ts'
import { reportedBytes } from '../crd/report-sizes.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import { AlreadyExists } from '../kube/errors.ts'
import { eventObject } from '../kube/event-object.ts'
import { EVENTS, NODE_LOCAL_STORAGES } from '../kube/resources.ts'
import type { KubeObject, ObjectKey } from '../kube/types.ts'
import type { ClaimTools } from './claim-tools.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import { claimEvent } from '../kube/claim-event.ts'

const largestOf = (report: NodeLocalStorage): bigint => reportedBytes(report, 'largestVolume')

const describeNode = (report: NodeLocalStorage): string =>
  `${report.spec.nodeName} ${describeBytes(largestOf(report))} of ${describeBytes(reportedBytes(report, 'free'))} free`

/** "node1 500 MiB of 996 MiB free, node2 0 B of 0 B free, and 3 more", the roomiest first. */
export const listNodes = (reports: readonly NodeLocalStorage[]): string => {
  const sorted = reports
    .map((report) => ({ report, node: report.spec.nodeName, largest: largestOf(report) }))
    .sort((a, b) => (a.largest === b.largest ? a.node.localeCompare(b.node) : a.largest > b.largest ? -1 : 1))
  return nameNodes(sorted.map(({ report }) => describeNode(report)))
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
    if (claim === undefined || claim.selectedNode !== undefined || claim.hasVolume) return undefined
    if (claim.isBeingDeleted) return undefined
    const message = await this.#whyNowhere(claim)
    if (message !== undefined) await this.#tell(claim, message)
    return undefined
  }

  /** Undefined when some node has room, or when this node has no say in it. */
  async #whyNowhere(claim: ClaimView): Promise<string | undefined> {
    const storageClass = this.#tools.classes.find(claim.storageClassName)
    if (storageClass === undefined || claim.requestBytes === undefined) return undefined
    if ('error' in storageClass.settings) return storageClass.settings.error.message
    // the scheduler process chooses their node, and knows more of why there is none
    if (storageClass.bindingMode === 'Immediate') return undefined
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
