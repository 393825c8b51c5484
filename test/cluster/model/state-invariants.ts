import { claimNamesOf } from '../../../agent/claim-siblings.ts'
import { viewPersistentVolume, type PersistentVolume } from '../../../agent/persistent-volume.ts'
import { formatVolumeHandle, TOPOLOGY_KEY } from '../../../core/naming.ts'
import { parseQuantity } from '../../../core/quantity.ts'
import type { PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import { isBound, nodeOfVolume, requestOf, selectedNodeOf } from './scheduler.ts'
import type { Placed, Snapshot } from './snapshot.ts'
import type { World } from './world.ts'

/** What is wrong with a cluster at rest, in words; nothing when it is as promised. */
type Invariant = (state: Snapshot, world: World) => readonly string[]

const nameOf = ({ metadata }: { readonly metadata: { readonly name?: string } }): string =>
  `"${metadata.name ?? ''}"`
const isGoing = ({ metadata }: { readonly metadata: { readonly deletionTimestamp?: string } }): boolean =>
  metadata.deletionTimestamp !== undefined
const handleOf = ({ spec }: PersistentVolume): string => spec.csi?.volumeHandle ?? ''
const describe = ({ node, volume }: Placed): string =>
  `${volume.name} (${volume.record?.state ?? 'foreign'}) on ${node}`

/** I1: a PersistentVolume has its logical volume, on its node, with its UUID, at least so large. */
const nothingIsLost: Invariant = ({ persistentVolumes, placed }, { nodes }) => {
  const byHand = new Set(
    nodes.flatMap(({ memory }) =>
      memory.removals.flatMap(({ by, volume }) => (by === 'hand' ? [formatVolumeHandle(volume.handle)] : [])),
    ),
  )
  return persistentVolumes
    .filter((each) => !byHand.has(handleOf(each)))
    .flatMap((each) => {
      const found = placed.find(({ volume }) => formatVolumeHandle(volume.handle) === handleOf(each))
      const which = `PersistentVolume ${nameOf(each)}`
      if (found === undefined) return [`${which} has no logical volume`]
      if (found.node !== nodeOfVolume(each))
        return [`${which} is said to be on ${nodeOfVolume(each) ?? ''}: ${describe(found)}`]
      const { capacityBytes = 0n } = viewPersistentVolume(each)
      return found.volume.sizeBytes < capacityBytes ? [`${which} is larger than its logical volume`] : []
    })
}

/** What has more than one, by a key. */
const several = <Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): (readonly [string, Item[]])[] => [...Map.groupBy(items, keyOf)].filter(([, group]) => group.length > 1)

/** I2: no two PersistentVolumes speak of one logical volume. */
const noAliases: Invariant = ({ persistentVolumes }) =>
  several(persistentVolumes, handleOf).map(
    ([handle, all]) => `${handle} is that of ${all.map(nameOf).join()}`,
  )

/** I5: a claim has one logical volume, on all nodes together. */
const oneVolumeEach: Invariant = ({ placed }) =>
  several(
    placed.filter(({ volume }) => volume.record !== undefined),
    ({ volume }) => volume.record?.claimUid ?? '',
  ).map(([, all]) => `one claim has ${all.map(describe).join()}`)

/** I6: a volume has its PersistentVolume, or a claim still works for it, or a person is told. */
const noLeaks: Invariant = ({ persistentVolumes, placed, claims, reports }) => {
  const answered = new Set(persistentVolumes.map(handleOf))
  const listed = new Set(
    reports.flatMap(({ status }) => (status?.unclaimedVolumes ?? []).map(({ uuid }) => uuid)),
  )
  const isWanted = ({ node, volume: { record } }: Placed): boolean =>
    claims.some((claim) => claim.metadata.uid === record?.claimUid && selectedNodeOf(claim) === node)
  return placed
    .filter(({ volume }) => !answered.has(formatVolumeHandle(volume.handle)))
    .filter((each) => !listed.has(each.volume.handle.volumeUuid))
    .filter((each) => each.volume.record?.state !== 'new' || !isWanted(each))
    .map((each) => `${describe(each)} belongs to nobody and is not told of`)
}

/** I7, I20: what is told of a node is so, and it says that it is well. */
const toldTheTruth: Invariant = ({ capacities, reports }, { nodes }) =>
  nodes.flatMap(({ name, memory }) => {
    const { freeBytes, volumes } = memory
    const capacity = capacities.find((each) => each.nodeTopology.matchLabels[TOPOLOGY_KEY] === name)
    const report = reports.find(({ spec }) => spec.nodeName === name)
    const { free, largestVolume, volumes: count } = report?.status?.volumeGroup ?? {}
    const told = {
      ...{ capacity: capacity?.capacity, largest: capacity?.maximumVolumeSize },
      ...{ free, largestVolume },
    }
    const lies = Object.entries(told).filter(([, text]) => parseQuantity(text ?? '') !== freeBytes)
    const ready = report?.status?.conditions?.find(({ type }) => type === 'Ready')
    return [
      ...lies.map(
        ([what, text]) => `${name}: ${what} is told as ${text ?? 'nothing'}, and ${freeBytes} bytes are free`,
      ),
      ...(count === volumes.length
        ? []
        : [`${name}: ${count ?? 'no'} volumes are told of, and ${volumes.length} are there`]),
      ...(ready?.status === 'True'
        ? []
        : [`${name}: Ready is ${ready?.status ?? 'not told'}: ${ready?.message ?? ''}`]),
    ]
  })

const isUsed = ({ pods }: Snapshot, claim: PersistentVolumeClaim): boolean =>
  pods.some((pod) => claimNamesOf(pod).includes(claim.metadata.name ?? ''))

/** I8, I12: each claim came to where it goes. */
const claimsAreServed: Invariant = (state) =>
  state.claims.flatMap((claim) => {
    const which = `claim ${nameOf(claim)}`
    if (isGoing(claim)) return isUsed(state, claim) ? [] : [`${which} does not go`]
    const node = selectedNodeOf(claim)
    if (node !== undefined && !isBound(claim)) return [`${which} still waits for ${node}`]
    return []
  })

/** I12: what fits is given out. */
const placesAreFound: Invariant = (_, { scheduler }) =>
  scheduler.choices().map(({ pod, node }) => `pod ${nameOf(pod)} is not served, though ${node} has room`)

/** I6, I12: a PersistentVolume that is over is gone. */
const volumesEnd: Invariant = ({ persistentVolumes }) =>
  persistentVolumes.flatMap((each) => {
    const { phase, reclaimPolicy } = viewPersistentVolume(each)
    const which = `PersistentVolume ${nameOf(each)}, ${phase}, ${reclaimPolicy}`
    if (isGoing(each)) return phase === 'Bound' ? [] : [`${which}: does not go`]
    if (phase === 'Released' && reclaimPolicy === 'Delete') return [`${which}: is not deleted`]
    return phase === 'Bound' || phase === 'Released' ? [] : [`${which}: is not bound`]
  })

/** I12, I16: a claim that asks for more has it, or says why not. */
const expansionsEnd: Invariant = ({ claims, persistentVolumes }) =>
  claims
    .filter((claim) => isBound(claim) && !isGoing(claim) && claim.status?.phase === 'Bound')
    .flatMap((claim) => {
      const volume = persistentVolumes.find(({ metadata }) => metadata.name === claim.spec.volumeName)
      if (volume === undefined || isGoing(volume)) return []
      const isRefused = claim.status?.allocatedResourceStatuses?.storage === 'ControllerResizeInfeasible'
      const { capacityBytes = 0n } = viewPersistentVolume(volume)
      return isRefused || capacityBytes >= requestOf(claim) ? [] : [`claim ${nameOf(claim)} is not expanded`]
    })

/** What the scripted sequences and the seeded ones have to come to, by the number of the invariant. */
const INVARIANTS: readonly (readonly [string, Invariant])[] = [
  ['I1', nothingIsLost],
  ['I2', noAliases],
  ['I5', oneVolumeEach],
  ['I6', noLeaks],
  ['I7', toldTheTruth],
  ['I8', claimsAreServed],
  ['I12', placesAreFound],
  ['I6', volumesEnd],
  ['I12', expansionsEnd],
]

/** All that is wrong now. Of a cluster that is not at rest yet, some of it always is. */
export const faultsOf = (state: Snapshot, world: World): readonly string[] =>
  INVARIANTS.flatMap(([number, invariant]) => invariant(state, world).map((what) => `${number}: ${what}`))
