import { isAllowedTopology } from '../core/allowed-topologies.ts'
import { nameNodes } from '../core/name-nodes.ts'
import { describeBytes } from '../core/quantity.ts'
import { largestExtents } from '../core/room.ts'
import { readyOf } from '../crd/ready.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import type { ClassView } from '../kube/class-view.ts'
import type { ClassReport, GroupOnNode } from './groups-on-nodes.ts'
import type { NodeView } from './node-view.ts'
import type { RoomNow } from './room-now.ts'

/** What a node is chosen from. */
export interface PlacementSituation {
  readonly claim: ClaimView
  readonly storageClass: ClassView
  /** What the class has, on all nodes. */
  readonly reports: Iterable<ClassReport>
  readonly node: (name: string) => NodeView | undefined
  /** What a group has left, without what is on its way to other claims. */
  readonly roomIn: (group: GroupOnNode) => RoomNow | undefined
  /** Nodes that have given this claim back. */
  readonly refusedBy: ReadonlySet<string>
}

export type Placement =
  | { readonly kind: 'place'; readonly nodeName: string }
  /** No node can have it now; the message says for each why not. */
  | { readonly kind: 'nowhere'; readonly message: string }

interface Candidate {
  readonly nodeName: string
  readonly report: ClassReport['report']
  readonly node: NodeView | undefined
  readonly roomBytes: bigint
}

type Rule = (candidate: Candidate, situation: PlacementSituation) => string | undefined

const notReady: Rule = ({ report }) => {
  const ready = readyOf(report)
  return ready?.status === 'True'
    ? undefined
    : `is not ready for volumes (${ready?.reason ?? 'no report yet'})`
}

/** Why a node cannot have a claim; the first that speaks is told. */
const RULES: readonly Rule[] = [
  ({ node }) => (node === undefined ? 'does not exist' : node.unfit),
  ({ node }, { storageClass }) =>
    isAllowedTopology(storageClass.allowedTopologies, node?.labels ?? {})
      ? undefined
      : "is not among the class's allowedTopologies",
  notReady,
  ({ roomBytes }, { claim }) =>
    roomBytes >= (claim.requestBytes ?? 0n) ? undefined : `has ${describeBytes(roomBytes)}`,
]

const roomBytesFor = ({ settings }: ClassView, now: RoomNow | undefined): bigint =>
  now === undefined || 'error' in settings
    ? 0n
    : largestExtents(now.room, settings.parameters.layout) * now.extentSizeBytes

const candidateFor = ({ report, group }: ClassReport, situation: PlacementSituation): Candidate => {
  const { nodeName } = report.spec
  const roomBytes = roomBytesFor(situation.storageClass, situation.roomIn(group))
  return { nodeName, report, node: situation.node(nodeName), roomBytes }
}

/** Nodes that have not refused it first, then the roomiest, so that volumes spread; then by name. */
const byPreference =
  (refusedBy: ReadonlySet<string>) =>
  (a: Candidate, b: Candidate): number =>
    Number(refusedBy.has(a.nodeName)) - Number(refusedBy.has(b.nodeName)) ||
    Number(b.roomBytes > a.roomBytes) - Number(b.roomBytes < a.roomBytes) ||
    a.nodeName.localeCompare(b.nodeName)

const nowhere = (faults: readonly string[], { claim, storageClass }: PlacementSituation): Placement => {
  const why = faults.length === 0 ? 'no node has disks for this class' : nameNodes(faults)
  return {
    kind: 'nowhere',
    message: `no node can have ${claim.request} of StorageClass "${storageClass.name}": ${why}`,
  }
}

/**
 * The node for a claim that nobody else chooses one for. Pure. What the reports say may be old: the agent of the node
 * has the last word, and gives the claim back when it cannot serve it.
 */
export const placeClaim = (situation: PlacementSituation): Placement => {
  const candidates = [...situation.reports]
    .map((found) => candidateFor(found, situation))
    .sort(byPreference(situation.refusedBy))
  const faults: string[] = []
  for (const candidate of candidates) {
    const fault = RULES.map((rule) => rule(candidate, situation)).find((each) => each !== undefined)
    if (fault === undefined) return { kind: 'place', nodeName: candidate.nodeName }
    faults.push(`${candidate.nodeName} ${fault}`)
  }
  return nowhere(faults, situation)
}
