import { describeBytes, formatQuantity } from '../core/quantity.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import type { ObjectStore } from '../kube/types.ts'
import type { LogicalVolume } from '../lvm/types.ts'
import { persistentVolumeFor, type PersistentVolumeView } from './persistent-volume.ts'

export type UnclaimedVolume = NonNullable<NonNullable<NodeLocalStorage['status']>['unclaimedVolumes']>[number]

/** Each takes up to 3 KB of the object; the rest are counted in the condition and listed when these are gone. */
const MAX_LISTED = 20

type RecordedVolume = LogicalVolume & { readonly record: NonNullable<LogicalVolume['record']> }

/**
 * The command that makes a PersistentVolume for a volume. `Retain` and a claim by name: a new claim of that name gets
 * the data. `Delete` and the claim that is gone: Kubernetes finds it Released, and Loam erases and removes the volume.
 */
const commandFor = (volume: RecordedVolume, nodeName: string, reclaimPolicy: 'Retain' | 'Delete'): string => {
  const { claimUid: uid, claimNamespace: namespace, claimName, storageClassName, content } = volume.record
  const made = persistentVolumeFor({
    claim: {
      ...{ uid, namespace, name: claimName, accessModes: ['ReadWriteOnce'] },
      volumeMode: content === 'block' ? 'Block' : 'Filesystem',
    },
    storageClass: { name: storageClassName, mountOptions: [], reclaimPolicy },
    parameters: { fileSystem: content === 'block' ? 'ext4' : content, mkfsOptions: [] },
    volume,
    nodeName,
  })
  const claimRef = { ...made.spec.claimRef, ...(reclaimPolicy === 'Retain' ? { uid: undefined } : {}) }
  return `echo '${JSON.stringify({ ...made, spec: { ...made.spec, claimRef } })}' | kubectl create -f -`
}

/** For a volume that Loam will not touch: on the node, by a person who knows that nobody needs it. */
const byHand = ({ groupName, name, segmentType }: LogicalVolume): string => {
  const path = `/dev/${groupName}/${name}`
  // zeros would take space of its pool, which zeroes what it gives to another volume
  if (segmentType === 'thin') return `lvremove -y ${groupName}/${name}`
  return `lvchange -ay ${groupName}/${name} && blkdiscard --zeroout ${path} && lvremove -y ${groupName}/${name}`
}

const describe = (volume: LogicalVolume, clusterId: string): string => {
  const { record } = volume
  if (record === undefined) return 'not made by Loam, or its tags are damaged: Loam leaves it alone'
  if (record.clusterId !== clusterId)
    return `belongs to the cluster with id ${record.clusterId}, this one has ${clusterId}: Loam leaves it alone`
  const claim = `PersistentVolumeClaim "${record.claimNamespace}/${record.claimName}"`
  return `was made for ${claim} and holds ${record.state === 'used' ? 'its data' : 'no data of any use'}`
}

const itemFor = (
  volume: LogicalVolume,
  owner: { nodeName: string; clusterId: string },
  whyHeld: string | undefined,
): UnclaimedVolume => {
  const { record } = volume
  const common = {
    name: volume.name,
    uuid: volume.handle.volumeUuid,
    size: formatQuantity(volume.sizeBytes),
    message: `${describe(volume, owner.clusterId)} (${describeBytes(volume.sizeBytes)})${whyHeld === undefined ? '' : `; ${whyHeld}`}`,
  }
  if (record?.clusterId !== owner.clusterId) return { ...common, removeOnNode: byHand(volume) }
  const recorded = { ...volume, record }
  return {
    ...common,
    state: record.state,
    ...(record.state === 'used' ? { adopt: commandFor(recorded, owner.nodeName, 'Retain') } : {}),
    remove: commandFor(recorded, owner.nodeName, 'Delete'),
  }
}

/** UUIDs of the logical volumes for which there is a PersistentVolume. */
export const volumesClaimedBy = (persistentVolumes: ObjectStore<PersistentVolumeView>): ReadonlySet<string> =>
  new Set([...persistentVolumes.entries()].flatMap(([, { handle }]) => handle?.volumeUuid ?? []))

/**
 * Whether a person has to decide. A `new` volume is collected by itself, unless the collector asks (`held`), or it was made
 * by a caller that is not known here.
 */
const needsDecision = (
  volume: LogicalVolume,
  clusterId: string,
  held: ReadonlyMap<string, string>,
): boolean => {
  if (volume.segmentType === 'thin-pool') return false
  const { record } = volume
  if (record?.state !== 'new' || record.clusterId !== clusterId) return true
  return held.has(volume.handle.volumeUuid) || record.madeBy === 'csi'
}

/**
 * The logical volumes of a group for which there is no PersistentVolume, and what a person can do with each.
 * `claimed`: UUIDs of the volumes for which there is one. `held`: those that the collector asks about, and why.
 */
export const unclaimedVolumes = (
  volumes: readonly LogicalVolume[],
  known: { readonly claimed: ReadonlySet<string>; readonly held: ReadonlyMap<string, string> },
  owner: { readonly nodeName: string; readonly clusterId: string },
): { readonly names: readonly string[]; readonly items: readonly UnclaimedVolume[] } => {
  const found = volumes
    .filter(({ handle }) => !known.claimed.has(handle.volumeUuid))
    .filter((volume) => needsDecision(volume, owner.clusterId, known.held))
    .sort((a, b) => a.name.localeCompare(b.name))
  return {
    names: found.map(({ name }) => name),
    items: found
      .slice(0, MAX_LISTED)
      .map((volume) => itemFor(volume, owner, known.held.get(volume.handle.volumeUuid))),
  }
}
