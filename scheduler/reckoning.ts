import type { NodeLocalStorage } from '../crd/types.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import type { ClassView } from '../kube/class-view.ts'
import type { ObjectStore } from '../kube/types.ts'
import type { Metric } from '../process/metrics.ts'
import { ClaimsInFlight } from './claims-in-flight.ts'
import { FreeVolumes } from './free-volumes.ts'
import { GroupRooms } from './group-rooms.ts'
import { GroupsOnNodes } from './groups-on-nodes.ts'
import { PodsInFlight } from './pods-in-flight.ts'
import type { VolumeView } from './volume-view.ts'

/** What is left in volume groups, kept up to date. Placement of claims that bind at once and the extender share it. */
export interface Reckoning {
  readonly groups: GroupsOnNodes
  readonly rooms: GroupRooms
  readonly inFlight: ClaimsInFlight
  readonly pods: PodsInFlight
  readonly freeVolumes: FreeVolumes
  readonly metrics: readonly Metric[]
}

const metricsOf = (inFlight: ClaimsInFlight, pods: PodsInFlight): Metric[] => {
  const gauge = (name: string, help: string, value: () => number): Metric => ({
    ...{ kind: 'gauge', name, help },
    read: () => [{ value: value() }],
  })
  return [
    gauge(
      'loam_scheduler_claims_in_flight',
      'Claims that have a node and no volume yet, or got it less than ten seconds ago.',
      () => inFlight.count,
    ),
    gauge(
      'loam_scheduler_in_flight_bytes',
      'What was asked for by claims that have a node and no volume yet, or got it less than ten seconds ago.',
      () => inFlight.bytes,
    ),
    gauge(
      'loam_scheduler_held_bytes',
      'What was asked for by pods that were let through and whose claims do not name a node yet.',
      () => pods.bytes,
    ),
  ]
}

interface Stores {
  readonly claims: ObjectStore<ClaimView>
  readonly classes: ObjectStore<ClassView>
  readonly reports: ObjectStore<NodeLocalStorage>
  readonly volumes: ObjectStore<VolumeView>
}

/** Begins with what the stores have, and follows them. Call it before anything else listens to them. */
export const startReckoning = (stores: Stores): Reckoning => {
  const inFlight = new ClaimsInFlight()
  const pods = new PodsInFlight()
  const freeVolumes = new FreeVolumes()
  /** Before kube-controller-manager has written who is asked, the class tells. */
  const isOurs = (claim: ClaimView): boolean =>
    claim.isAskedOfUs || stores.classes.get(claim.storageClassName) !== undefined
  const heed = (now: ClaimView | undefined, before: ClaimView | undefined): void =>
    inFlight.heed(now !== undefined && isOurs(now) ? now : undefined, before ?? now)
  stores.claims.onChange((_, now, before) => {
    heed(now, before)
    if (now?.selectedNode !== undefined || now === undefined) pods.settle((now ?? before)?.uid ?? '')
  })
  stores.volumes.onChange((_, now, before) => freeVolumes.heed(now?.free, before?.free))
  for (const [, claim] of stores.claims.entries()) heed(claim, undefined)
  for (const [, { free }] of stores.volumes.entries()) freeVolumes.heed(free, undefined)
  return {
    groups: new GroupsOnNodes(stores.reports),
    rooms: new GroupRooms(stores.classes, inFlight),
    ...{ inFlight, pods, freeVolumes, metrics: metricsOf(inFlight, pods) },
  }
}
