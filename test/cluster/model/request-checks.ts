import { claimNamesOf } from '../../../agent/claim-siblings.ts'
import type { CsiStorageCapacity } from '../../../agent/storage-capacity.ts'
import type { PersistentVolume } from '../../../agent/persistent-volume.ts'
import {
  formatVolumeHandle,
  nodeLocalStorageName,
  VOLUME_FINALIZER,
  volumeNameForClaim,
} from '../../../core/naming.ts'
import { parseQuantity } from '../../../core/quantity.ts'
import type { PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import { CSI_STORAGE_CAPACITIES } from '../../../kube/resources.ts'
import type { LogicalVolume } from '../../../lvm/types.ts'
import type { ProxiedRequest } from '../kube/faulty-proxy.ts'
import { versionsWithin } from './chronicle.ts'
import type { NodeMemory } from './node-memory.ts'
import { isBound, selectedNodeOf } from './scheduler.ts'
import type { ModelNode, World } from './world.ts'

/**
 * How long before a write a fact has to be for the agent to be held to it: it reads, and writes a moment later, and
 * nothing in the API forbids that the fact changes in between.
 */
const KNOWN_MS = 2_000

const claimOfPatch = ({ method, url }: ProxiedRequest, namespace: string): string | undefined => {
  if (method !== 'PATCH' || url.searchParams.has('dryRun')) return undefined
  return new RegExp(`^/api/v1/namespaces/${namespace}/persistentvolumeclaims/([^/]+)$`).exec(
    url.pathname,
  )?.[1]
}

const isNewVolume = ({ method, url }: ProxiedRequest): boolean =>
  method === 'POST' && url.pathname === '/api/v1/persistentvolumes' && !url.searchParams.has('dryRun')

const changedVolume = ({ method, url }: ProxiedRequest): string | undefined =>
  method === 'PATCH' ? /^\/api\/v1\/persistentvolumes\/([^/]+)$/.exec(url.pathname)?.[1] : undefined

/** What was free at some moment since then. */
const freeSince = ({ freeHistory }: NodeMemory, sinceMs: number): readonly bigint[] =>
  freeHistory
    .filter((_, index) => (freeHistory[index + 1]?.atMs ?? Infinity) >= sinceMs)
    .map(({ freeBytes }) => freeBytes)

const wantsNode = (claim: PersistentVolumeClaim, node: string): boolean => selectedNodeOf(claim) === node

/** What claims ask for that waited for their volumes on the node at some moment since then. */
const waitingSince = (world: World, node: string, sinceMs: number): readonly bigint[] => {
  const now = performance.now()
  return world.cluster.chronicles.claims.all().flatMap((versions) => {
    const waiting = versionsWithin(versions, sinceMs, now).find(
      ({ object }) =>
        object?.metadata.namespace === world.name && !isBound(object) && wantsNode(object, node),
    )
    return parseQuantity(waiting?.object?.spec.resources?.requests?.storage ?? '') ?? []
  })
}

/** What is left of each when some of the others are taken off, whichever they are. */
const lessSome = (amounts: readonly bigint[], takes: readonly bigint[]): ReadonlySet<bigint> =>
  takes.reduce(
    (left, take) => new Set([...left, ...[...left].map((amount) => amount - take)]),
    new Set(amounts),
  )

/**
 * I7, I8: before a claim is given back for want of space, the scheduler is told what is free, less what is spoken for by
 * claims that wait there.
 */
const checkCapacityTold = async (
  world: World,
  { name, memory }: ModelNode,
  volume: string,
): Promise<void> => {
  const sinceMs = memory.refusedAt.get(volume)
  if (sinceMs === undefined) return
  const told = await world.cluster.client.get<CsiStorageCapacity>(CSI_STORAGE_CAPACITIES, {
    ...{ namespace: world.name, name: nodeLocalStorageName(world.name, name) },
  })
  if (told === undefined) return
  const bytes = parseQuantity(told.maximumVolumeSize) ?? -1n
  const truths = lessSome(freeSince(memory, sinceMs), waitingSince(world, name, sinceMs))
  if (!truths.has(bytes))
    world.violate(
      `I8: ${name} gives back the claim of ${volume} while the scheduler is told ${bytes} bytes free`,
    )
}

/** I8: the selected node is removed only when nothing of the claim is on the node. */
const checkGiveBack = (world: World, node: ModelNode, claimName: string): Promise<void> | undefined => {
  const claim = world.cluster.chronicles.claims.get(world.name, claimName)
  // a claim with a volume is patched for its expansion
  if (claim === undefined || isBound(claim)) return undefined
  const volume = volumeNameForClaim(claim.metadata.uid ?? '')
  if (node.memory.find(volume) !== undefined)
    world.violate(`I8: ${node.name} gives back claim "${claimName}" while ${volume} is on it`)
  return checkCapacityTold(world, node, volume)
}

/** Whether the claim has been so all the time for which an agent has to know it. */
const hasLongBeen = (
  world: World,
  uid: string,
  is: (claim: PersistentVolumeClaim | undefined) => boolean,
): boolean => {
  const now = performance.now()
  const versions = world.cluster.chronicles.claims.of(uid)
  const isOld = (versions[0]?.atMs ?? now) < now - KNOWN_MS
  return isOld && versionsWithin(versions, now - KNOWN_MS, now).every(({ object }) => is(object))
}

/** Claims that pods use together with this one and that were long not for this node. */
const strayedSiblings = (world: World, node: string, claimName: string): string[] => {
  const { claims, pods } = world.cluster.chronicles
  const now = performance.now()
  const isOld = (uid = ''): boolean => (pods.of(uid)[0]?.atMs ?? now) < now - KNOWN_MS
  return pods
    .current()
    .filter(({ metadata }) => metadata.namespace === world.name && isOld(metadata.uid))
    .map(claimNamesOf)
    .filter((names) => names.includes(claimName))
    .flatMap((names) => names.filter((name) => name !== claimName))
    .filter((name) => {
      const uid = claims.get(world.name, name)?.metadata.uid ?? ''
      return hasLongBeen(
        world,
        uid,
        (claim) => claim !== undefined && !isBound(claim) && !wantsNode(claim, node),
      )
    })
}

/** A volume that a person removed so shortly before that the agent need not know. */
const takenByHand = ({ removals }: NodeMemory, volume: string): LogicalVolume | undefined =>
  removals.find(
    (removal) =>
      removal.volume.name === volume && removal.by === 'hand' && removal.atMs > performance.now() - KNOWN_MS,
  )?.volume

/** I1, I8: a PersistentVolume is made for a volume that is there, and for a claim that asks for it, with all of its pod. */
const checkAnswer = (world: World, { name: node, memory }: ModelNode, body: Buffer): void => {
  const { metadata, spec } = JSON.parse(body.toString()) as PersistentVolume
  const { name = '' } = metadata
  const { uid = '', name: claimName = '' } = spec.claimRef ?? {}
  const made = memory.find(name) ?? takenByHand(memory, name)
  if (made === undefined || formatVolumeHandle(made.handle) !== spec.csi?.volumeHandle)
    world.violate(`I1: ${node} makes PersistentVolume ${name} for a volume that is not there`)
  if (hasLongBeen(world, uid, (claim) => claim === undefined || !wantsNode(claim, node)))
    world.violate(`I8: ${node} makes PersistentVolume ${name} for claim "${claimName}", which is not for it`)
  const strayed = strayedSiblings(world, node, claimName)
  if (strayed.length > 0)
    world.violate(
      `I8: ${node} makes PersistentVolume ${name} for claim "${claimName}" without "${strayed.join('", "')}" of its pod`,
    )
}

/** I6: a PersistentVolume that ends with its data is let go only when its logical volume is gone. */
const checkLetGo = (world: World, { name: node, memory }: ModelNode, name: string, body: Buffer): void => {
  const { metadata } = JSON.parse(body.toString()) as { metadata?: { finalizers?: readonly string[] } }
  if (metadata?.finalizers === undefined || metadata.finalizers.includes(VOLUME_FINALIZER)) return
  const object = world.cluster.chronicles.volumes.get(undefined, name)
  const now = performance.now()
  const lately = versionsWithin(
    world.cluster.chronicles.volumes.of(object?.metadata.uid ?? ''),
    now - KNOWN_MS,
    now,
  )
  const isToDie = lately.every(({ object: each }) => each?.spec.persistentVolumeReclaimPolicy === 'Delete')
  if (object !== undefined && isToDie && memory.find(name) !== undefined)
    world.violate(`I6: ${node} lets PersistentVolume ${name} go while its logical volume is there`)
}

/** Looks at what an agent asks of the API server, at the moment at which it asks. */
export const watchRequests = (world: World, node: ModelNode): void => {
  node.way.onRequest = (request, body) => {
    const claimName = claimOfPatch(request, world.name)
    if (claimName !== undefined) return checkGiveBack(world, node, claimName)
    if (isNewVolume(request)) checkAnswer(world, node, body)
    const changed = changedVolume(request)
    if (changed !== undefined) checkLetGo(world, node, changed, body)
    return undefined
  }
}
