import { allFreeExtents, volumeExtents } from '../core/layout-size.ts'
import { withoutVolumes, type Room, type WantedVolume } from '../core/room.ts'
import type { NewPool, PoolSpace } from '../core/thin-size.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import type { ClassView } from '../kube/class-view.ts'
import type { ObjectStore } from '../kube/types.ts'
import type { ClaimsInFlight, ComingClaim } from './claims-in-flight.ts'
import type { GroupOnNode, Reckoned } from './groups-on-nodes.ts'
import { reportedRoom } from './reported-room.ts'
import type { RoomNow } from './room-now.ts'

const textOf = (room: Room): string =>
  JSON.stringify([room.disks.map(({ freeRuns }) => freeRuns), [...room.pools]], (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )

/** Reckons what is left in volume groups: what the agents report, less what is on its way there. */
export class GroupRooms {
  readonly #classes: ObjectStore<ClassView>
  readonly #inFlight: ClaimsInFlight
  #epoch = 0

  constructor(classes: ObjectStore<ClassView>, inFlight: ClaimsInFlight) {
    this.#classes = classes
    this.#inFlight = inFlight
    classes.onChange(() => (this.#epoch += 1))
  }

  /**
   * What the group has left; undefined when its newest report offers nothing. Reckoned anew only after something has
   * changed there. `exceptFor` are UIDs of claims that do not count as coming.
   */
  of(group: GroupOnNode, exceptFor: readonly string[] = []): RoomNow | undefined {
    const report = group.newest
    if (report === undefined) return undefined
    if (exceptFor.length > 0) {
      const coming = this.#inFlight.on(group.nodeName)
      if (exceptFor.some((uid) => coming.has(uid))) return this.#reckon(group, report, new Set(exceptFor))
    }
    const { reckoned } = group
    if (reckoned?.report === report && this.#isUpToDate(reckoned, group.nodeName)) return reckoned.now
    // before the reckoning: what leaves by its time meanwhile has to be found changed
    const { version } = this.#inFlight
    const versionOfNode = this.#inFlight.versionOf(group.nodeName)
    const now = this.#reckon(group, report, new Set())
    group.reckoned = { report, epoch: this.#epoch, version, versionOfNode, now }
    return now
  }

  /** The number for all nodes comes first: thousands of them are asked about at a time, and looking each up takes a while. */
  #isUpToDate(reckoned: Reckoned, nodeName: string): boolean {
    if (reckoned.epoch !== this.#epoch) return false
    const { version } = this.#inFlight
    if (reckoned.version === version) return true
    if (reckoned.versionOfNode !== this.#inFlight.versionOf(nodeName)) return false
    reckoned.version = version
    return true
  }

  /** The volume of a claim, when it is to be made in this group. */
  volumeOf(claim: ComingClaim, group: GroupOnNode, extentSizeBytes: bigint): WantedVolume | undefined {
    const settings = this.#classes.get(claim.storageClassName)?.settings
    if (settings === undefined || 'error' in settings) return undefined
    const { layout, volumeGroup } = settings.parameters
    if (volumeGroup !== group.name) return undefined
    return { layout, extents: volumeExtents(layout, claim.requestBytes ?? 0n, extentSizeBytes) }
  }

  #reckon(group: GroupOnNode, report: NodeLocalStorage, exceptFor: ReadonlySet<string>): RoomNow | undefined {
    const reported = reportedRoom(report)
    if (reported === undefined) return undefined
    const { extentSizeBytes, disks, countedClaims } = reported
    const coming: WantedVolume[] = []
    let comingBytes = 0n
    for (const claim of this.#inFlight.on(group.nodeName).values()) {
      if (countedClaims.has(claim.uid) || exceptFor.has(claim.uid)) continue
      const volume = this.volumeOf(claim, group, extentSizeBytes)
      if (volume === undefined) continue
      coming.push(volume)
      comingBytes += claim.requestBytes ?? 0n
    }
    const room = withoutVolumes({ disks, pools: this.#poolsOf(group) }, coming)
    const signature = textOf(room)
    return {
      ...{ room, extentSizeBytes, countedClaims, comingBytes, signature },
      freeExtents: allFreeExtents(room.disks),
    }
  }

  #poolsOf(group: GroupOnNode): Room['pools'] {
    const pools = new Map<string, PoolSpace | NewPool>()
    for (const report of group.reports) {
      const pool = reportedRoom(report)?.pool
      const settings = this.#classes.get(report.spec.storageClassName)?.settings
      if (pool === undefined || settings === undefined || 'error' in settings) continue
      const { layout } = settings.parameters
      if (layout.name === 'thin') pools.set(layout.pool, pool)
    }
    return pools
  }
}
