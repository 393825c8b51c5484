import { isAllowedTopology } from '../core/allowed-topologies.ts'
import { describeBytes } from '../core/quantity.ts'
import { largestExtents, planVolumes, withoutVolumes, type Room } from '../core/room.ts'
import { readyOf } from '../crd/ready.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import type { ClassView } from '../kube/class-view.ts'
import type { FreeVolumes } from './free-volumes.ts'
import type { GroupRooms } from './group-rooms.ts'
import type { ClassReport, GroupOnNode, GroupsOnNodes } from './groups-on-nodes.ts'
import type { NodeView } from './node-view.ts'
import type { PodsInFlight } from './pods-in-flight.ts'
import type { RoomNow } from './room-now.ts'
import { wantedVolumes, type PreparedNeed, type WantedVolumes } from './prepared-need.ts'

export interface FitTools {
  readonly groups: GroupsOnNodes
  readonly rooms: GroupRooms
  readonly pods: PodsInFlight
  readonly freeVolumes: FreeVolumes
  readonly node: (name: string) => NodeView | undefined
}

/** Why a refusal was given: few values, for figures. */
export type RefusalReason = 'Class' | 'NoDisks' | 'NotReady' | 'Topology' | 'OtherNode' | 'NoRoom'

/** What a group of a node would come to with the pod's volumes in it. */
export type GroupFit =
  | { readonly reason: RefusalReason; readonly message: () => string }
  /** The largest volume that could be made then. */
  | { readonly leftBytes: bigint }

/** What planning the pod's volumes in a room came to. */
type Outcome =
  | { readonly largestLeft: bigint }
  /** How large the volume that does not fit could be. */
  | { readonly largest: bigint }

const NOTHING_TO_MAKE: GroupFit = { leftBytes: 0n }
const NONE = wantedVolumes([])

const refusal = (reason: RefusalReason, message: () => string): GroupFit => ({ reason, message })

/** Why a class can have nothing on a node, whatever its room; undefined when it may have something. */
const classRefusal = (
  found: ClassReport | undefined,
  { name, allowedTopologies }: ClassView,
  node: NodeView | undefined,
): GroupFit | undefined => {
  if (found === undefined) return refusal('NoDisks', () => `has no disks for StorageClass "${name}"`)
  const ready = readyOf(found.report)
  if (ready?.status !== 'True')
    return refusal(
      'NotReady',
      () => `is not ready for volumes of StorageClass "${name}" (${ready?.reason ?? 'no report yet'})`,
    )
  return allowedTopologies.length === 0 || isAllowedTopology(allowedTopologies, node?.labels ?? {})
    ? undefined
    : refusal('Topology', () => `is not among the allowedTopologies of StorageClass "${name}"`)
}

/** What is free and what is wanted, for people; `largest` for layouts that need more than the sum to be free. */
const describeLack = (
  prepared: PreparedNeed,
  claims: readonly ClaimView[],
  now: RoomNow,
  largest: bigint,
): string => {
  const free = describeBytes(now.freeExtents * now.extentSizeBytes)
  const coming =
    now.comingBytes === 0n ? '' : `, ${describeBytes(now.comingBytes)} more is on its way to other claims`
  const most = prepared.hasLegs
    ? `, at most ${describeBytes(largest * now.extentSizeBytes)} for the one that does not fit`
    : ''
  return `has ${free} free in volume group "${prepared.need.groupName}" and ${prepared.describe(claims)} to make${most}${coming}`
}

/** A refusal, and what it was made from. */
interface Lack {
  readonly prepared: PreparedNeed
  readonly claims: readonly ClaimView[]
  readonly now: RoomNow
  readonly largest: bigint
  readonly refused: GroupFit
}

const isSameLack = (lack: Lack, { prepared, claims, now, largest }: Omit<Lack, 'refused'>): boolean =>
  lack.prepared === prepared &&
  lack.claims === claims &&
  lack.largest === largest &&
  lack.now.freeExtents === now.freeExtents &&
  lack.now.comingBytes === now.comingBytes &&
  lack.now.extentSizeBytes === now.extentSizeBytes

const outcomeOf = (room: Room, { volumes }: WantedVolumes): Outcome => {
  const plan = planVolumes(room, volumes)
  const { layout } = volumes[0] ?? { layout: { name: 'linear' } as const }
  return 'largest' in plan ? plan : { largestLeft: largestExtents(plan.left, layout) }
}

/** Whether the volumes of one pod fit, node by node. For one question: what is on its way must not change meanwhile. */
export class PodFit {
  readonly #tools: FitTools
  readonly #others: ReturnType<PodsInFlight['others']>
  /** What was found for groups with the same room. */
  readonly #planned = new Map<string, Outcome>()
  #lastLack: Lack | undefined

  constructor(podUid: string, tools: FitTools) {
    this.#tools = tools
    this.#others = tools.pods.others(podUid)
  }

  /** What a group that the pod needs comes to on a node. */
  on(nodeName: string, prepared: PreparedNeed): GroupFit {
    const { selected, need, isRestricted } = prepared
    if (selected !== undefined && selected.nodeName !== nodeName)
      return refusal(
        'OtherNode',
        () => `PersistentVolumeClaim "${selected.claimName}" is given to node "${selected.nodeName}"`,
      )
    const { freeVolumes } = this.#tools
    const claims = freeVolumes.isEmptyOn(nodeName) ? need.claims : freeVolumes.without(nodeName, need.claims)
    if (claims.length === 0) return NOTHING_TO_MAKE
    const node = isRestricted ? this.#tools.node(nodeName) : undefined
    let group: GroupOnNode | undefined
    for (const { storageClass, reports } of prepared.classes) {
      const found = reports.get(nodeName)
      const refused = classRefusal(found, storageClass, node)
      if (refused !== undefined) return refused
      group ??= found?.group
    }
    return group === undefined ? NOTHING_TO_MAKE : this.#fitIn(group, prepared, claims)
  }

  #fitIn(group: GroupOnNode, prepared: PreparedNeed, allClaims: readonly ClaimView[]): GroupFit {
    const { need, selectedUids } = prepared
    const { rooms } = this.#tools
    const now = rooms.of(group, selectedUids)
    if (now === undefined)
      return refusal('NotReady', () => `offers no room in volume group "${need.groupName}" yet`)
    const claims =
      selectedUids.length === 0 ? allClaims : allClaims.filter(({ uid }) => !now.countedClaims.has(uid))
    const wanted = prepared.wantedIn(group, now.extentSizeBytes, claims, rooms)
    const held = this.#others.length === 0 ? NONE : this.#heldIn(group, now.extentSizeBytes)
    if (wanted.areLinear && held.areLinear) {
      const left = now.freeExtents - held.extents - wanted.extents
      return left >= 0n
        ? { leftBytes: left * now.extentSizeBytes }
        : this.#lack({ prepared, claims, now, largest: 0n })
    }
    const outcome = this.#plan(now, wanted, held, `${need.groupName} ${claims.length}`)
    return 'largest' in outcome
      ? this.#lack({ prepared, claims, now, largest: outcome.largest })
      : { leftBytes: outcome.largestLeft * now.extentSizeBytes }
  }

  /** Nodes that are full alike, one after another, share a refusal and its text. */
  #lack(made: Omit<Lack, 'refused'>): GroupFit {
    if (this.#lastLack !== undefined && isSameLack(this.#lastLack, made)) return this.#lastLack.refused
    const { prepared, claims, now, largest } = made
    const refused = refusal('NoRoom', () => describeLack(prepared, claims, now, largest))
    this.#lastLack = { ...made, refused }
    return refused
  }

  /** Nodes with the same room have the same answer, unless other pods are held there. */
  #plan(now: RoomNow, wanted: WantedVolumes, held: WantedVolumes, what: string): Outcome {
    if (held.volumes.length > 0) return outcomeOf(withoutVolumes(now.room, held.volumes), wanted)
    const key = `${what} ${now.extentSizeBytes} ${now.signature}`
    const before = this.#planned.get(key)
    if (before !== undefined) return before
    const outcome = outcomeOf(now.room, wanted)
    this.#planned.set(key, outcome)
    return outcome
  }

  #heldIn(group: GroupOnNode, extentSizeBytes: bigint): WantedVolumes {
    const claims = this.#others
      .filter(({ nodeNames }) => nodeNames.has(group.nodeName))
      .flatMap((held) => [...held.claims.values()])
    if (claims.length === 0) return NONE
    const { rooms } = this.#tools
    return wantedVolumes(claims.flatMap((claim) => rooms.volumeOf(claim, group, extentSizeBytes) ?? []))
  }
}
