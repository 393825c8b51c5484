import { legsOf } from '../core/layout.ts'
import { describeBytes } from '../core/quantity.ts'
import type { WantedVolume } from '../core/room.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import { requestedBytes } from './claims-in-flight.ts'
import type { GroupRooms } from './group-rooms.ts'
import type { ClassView } from '../kube/class-view.ts'
import type { ClassReport, GroupOnNode, GroupsOnNodes } from './groups-on-nodes.ts'
import type { GroupNeed } from './pod-needs.ts'

/** Volumes to be made in groups of one extent size. */
export interface WantedVolumes {
  readonly volumes: readonly WantedVolume[]
  /** Of linear volumes only the sum matters. */
  readonly areLinear: boolean
  readonly extents: bigint
}

export const wantedVolumes = (volumes: readonly WantedVolume[]): WantedVolumes => ({
  volumes,
  areLinear: volumes.every(({ layout }) => layout.name === 'linear'),
  extents: volumes.reduce((sum, { extents }) => sum + extents, 0n),
})

const describeVolumes = (claims: readonly ClaimView[]): string => {
  const volumes = claims.length === 1 ? '1 volume' : `${claims.length} volumes`
  return `${volumes} of ${describeBytes(requestedBytes(claims))}`
}

/** What a pod needs from a group, with all that is the same on each of thousands of nodes found out once. */
export class PreparedNeed {
  readonly need: GroupNeed
  /** What each of its classes has, by node. */
  readonly classes: readonly {
    readonly storageClass: ClassView
    readonly reports: ReadonlyMap<string, ClassReport>
  }[]
  /** The only node that a claim of the pod may go to, and the claim. */
  readonly selected: { readonly nodeName: string; readonly claimName: string } | undefined
  /** UIDs of claims that have a node. */
  readonly selectedUids: readonly string[]
  readonly isRestricted: boolean
  /** Whether volumes lie on several disks at once, so that the sum of what is free says little. */
  readonly hasLegs: boolean
  /** By the size of an extent, as a number: a Map looks those up faster. */
  readonly #wanted = new Map<number, WantedVolumes>()
  readonly #described: string

  constructor(need: GroupNeed, groups: GroupsOnNodes) {
    this.need = need
    this.classes = need.classes.map((storageClass) => ({
      storageClass,
      reports: groups.ofClass(storageClass.name),
    }))
    const selected = need.claims.filter(({ selectedNode }) => selectedNode !== undefined)
    const [first] = selected
    this.selected = first && { nodeName: first.selectedNode ?? '', claimName: first.name }
    this.selectedUids = selected.map(({ uid }) => uid)
    this.hasLegs = need.classes.some(
      ({ settings }) => 'parameters' in settings && legsOf(settings.parameters.layout) !== undefined,
    )
    this.#described = describeVolumes(need.claims)
    this.isRestricted = need.classes.some(({ allowedTopologies }) => allowedTopologies.length > 0)
  }

  /** For people, how many volumes of which size these claims are: all that are needed, or some of them. */
  describe(claims: readonly ClaimView[]): string {
    return claims === this.need.claims ? this.#described : describeVolumes(claims)
  }

  /** The volumes of these claims: of all that are needed, or of some of them. */
  wantedIn(
    group: GroupOnNode,
    extentSizeBytes: bigint,
    claims: readonly ClaimView[],
    rooms: GroupRooms,
  ): WantedVolumes {
    const make = (): WantedVolumes =>
      wantedVolumes(claims.flatMap((claim) => rooms.volumeOf(claim, group, extentSizeBytes) ?? []))
    if (claims !== this.need.claims) return make()
    const before = this.#wanted.get(Number(extentSizeBytes))
    if (before !== undefined) return before
    const wanted = make()
    this.#wanted.set(Number(extentSizeBytes), wanted)
    return wanted
  }
}
