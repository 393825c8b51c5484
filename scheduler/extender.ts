import type { ClaimView } from '../kube/claim-view.ts'
import type { ExtenderArgs, Filtered, HostPriority } from './extender-wire.ts'
import { PodFit, type FitTools, type RefusalReason } from './pod-fit.ts'
import { hasClaims, needsOf, type GroupNeed, type Lookups } from './pod-needs.ts'
import { PreparedNeed } from './prepared-need.ts'
import { RefusalTexts } from './refusal-texts.ts'

export interface ExtenderTools extends FitTools, Lookups {
  readonly refused: (reason: RefusalReason) => void
}

/** kube-scheduler's MaxExtenderPriority. */
const BEST_SCORE = 10

const isSpread = ({ classes }: GroupNeed): boolean =>
  classes.every(({ settings }) => !('parameters' in settings) || settings.parameters.scoring === 'spread')

const refusalOf = (fit: PodFit, needs: readonly PreparedNeed[], nodeName: string) => {
  for (const need of needs) {
    const found = fit.on(nodeName, need)
    if ('reason' in found) return found
  }
  return undefined
}

/** By what is left on a node with the pod in it, in proportion to the node with most. */
const scoresOf = (fit: PodFit, prepared: PreparedNeed, nodeNames: readonly string[]): number[] => {
  const left = nodeNames.map((nodeName) => {
    const found = fit.on(nodeName, prepared)
    return 'reason' in found ? undefined : Number(found.leftBytes)
  })
  const most = left.reduce<number>((max, bytes) => Math.max(max, bytes ?? 0), 0)
  const spread = isSpread(prepared.need)
  return left.map((bytes) => {
    // one that would be refused now was let through a moment ago
    if (bytes === undefined || most === 0) return 0
    const score = Math.floor((bytes / most) * BEST_SCORE)
    return spread ? score : BEST_SCORE - score
  })
}

/**
 * Answers kube-scheduler about a pod: which nodes have room for all its claims together, and which of them is best. Pure
 * but for the pods that it holds for a moment: what it says is reckoned from local copies, and the node's agent has the last
 * word.
 */
export class Extender {
  readonly #tools: ExtenderTools

  constructor(tools: ExtenderTools) {
    this.#tools = tools
  }

  /** Refusals are unresolvable: no pod that is evicted makes room in a volume group. */
  filter({ pod, nodeNames }: ExtenderArgs): Filtered {
    const all: Filtered = { nodeNames, refused: new Map() }
    if (!hasClaims(pod)) return all
    const { groups, fault } = needsOf(pod, this.#tools)
    if (groups.length === 0 && fault === undefined) return all
    const fit = new PodFit(pod.metadata.uid, this.#tools)
    const prepared = groups.map((need) => new PreparedNeed(need, this.#tools.groups))
    const texts = new RefusalTexts()
    const passed = nodeNames.filter((nodeName) => {
      const refused =
        fault === undefined
          ? refusalOf(fit, prepared, nodeName)
          : ({ reason: 'Class', message: () => fault } as const)
      if (refused === undefined) return true
      this.#tools.refused(refused.reason)
      texts.add(nodeName, refused.message)
      return false
    })
    this.#hold(pod.metadata.uid, groups, passed)
    return { nodeNames: passed, refused: texts.nodeNames }
  }

  /** From 0 to 10; all nodes are as good when the pod needs nothing. */
  prioritize({ pod, nodeNames }: ExtenderArgs): HostPriority[] {
    const { groups } = hasClaims(pod) ? needsOf(pod, this.#tools) : { groups: [] }
    const fit = new PodFit(pod.metadata.uid, this.#tools)
    const scores = groups.map((need) => scoresOf(fit, new PreparedNeed(need, this.#tools.groups), nodeNames))
    return nodeNames.map((Host, at) => {
      const sum = scores.reduce((total, each) => total + (each[at] ?? 0), 0)
      return { Host, Score: Math.floor(sum / Math.max(groups.length, 1)) }
    })
  }

  /** Claims that have a node are counted there already; those that are not known yet, by no one. */
  #hold(podUid: string, groups: readonly GroupNeed[], nodeNames: readonly string[]): void {
    const isComing = ({ uid, selectedNode }: ClaimView): boolean => uid !== '' && selectedNode === undefined
    const claims = groups.flatMap((need) => need.claims.filter(isComing))
    this.#tools.pods.hold(podUid, claims, nodeNames)
  }
}
