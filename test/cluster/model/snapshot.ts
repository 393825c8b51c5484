import type { Pod } from '../../../agent/claim-siblings.ts'
import type { PersistentVolume } from '../../../agent/persistent-volume.ts'
import type { CsiStorageCapacity } from '../../../agent/storage-capacity.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import type { PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import type { LogicalVolume } from '../../../lvm/types.ts'
import type { World } from './world.ts'

/** A logical volume, and the node that it is on. */
export interface Placed {
  readonly node: string
  readonly volume: LogicalVolume
}

/** What is there of one sequence at a moment. */
export interface Snapshot {
  readonly claims: readonly PersistentVolumeClaim[]
  readonly persistentVolumes: readonly PersistentVolume[]
  readonly pods: readonly Pod[]
  readonly capacities: readonly CsiStorageCapacity[]
  readonly reports: readonly NodeLocalStorage[]
  readonly placed: readonly Placed[]
}

export const takeSnapshot = ({ name, cluster: { chronicles }, nodes }: World): Snapshot => ({
  claims: chronicles.claims.current().filter(({ metadata }) => metadata.namespace === name),
  persistentVolumes: chronicles.volumes.current().filter(({ spec }) => spec.claimRef?.namespace === name),
  pods: chronicles.pods.current().filter(({ metadata }) => metadata.namespace === name),
  capacities: chronicles.capacities.current().filter(({ metadata }) => metadata.namespace === name),
  reports: chronicles.reports.current().filter(({ spec }) => spec.storageClassName === name),
  placed: nodes.flatMap(({ name: node, memory }) => memory.volumes.map((volume) => ({ node, volume }))),
})
