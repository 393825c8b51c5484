import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Pod } from '../../../agent/claim-siblings.ts'
import type { PersistentVolume } from '../../../agent/persistent-volume.ts'
import { NODE_LABEL, parseVolumeHandle } from '../../../core/naming.ts'
import { formatQuantity } from '../../../core/quantity.ts'
import { tagsOf } from '../../../core/volume-tags.ts'
import { AlreadyExists, Conflict, Invalid, Forbidden, NotFound } from '../../../kube/errors.ts'
import type { PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import {
  PERSISTENT_VOLUMES,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
  STORAGE_CLASSES,
} from '../../../kube/resources.ts'
import type { KubeObject, ResourceType } from '../../../kube/types.ts'
import type { LogicalVolume } from '../../../lvm/types.ts'
import type { Action } from './actions.ts'
import { EXTENT_BYTES, type NodeMemory } from './node-memory.ts'
import { isBound, nodeOfVolume } from './scheduler.ts'
import { createClass, type World } from './world.ts'

/** The actions of a name; several names may share one shape. */
type Named<Name, Each = Action> = Each extends { readonly do: infer Names }
  ? Name extends Names
    ? Each
    : never
  : never
type Doing<Name extends Action['do']> = (world: World, action: Named<Name>) => Promise<void>

const podName = (pod: number): string => `pod-${pod}`
const claimName = (pod: number, claim: number): string => `claim-${pod}-${claim}`
const storageOf = (extents: number): { storage: string } => ({
  storage: formatQuantity(BigInt(extents) * EXTENT_BYTES),
})

const claimFor = ({ name: namespace }: World, name: string, extents: number): KubeObject =>
  ({
    metadata: { namespace, name },
    spec: {
      ...{ storageClassName: namespace, accessModes: ['ReadWriteOnce'] },
      resources: { requests: storageOf(extents) },
    },
  }) as KubeObject

const podFor = ({ name: namespace }: World, name: string, claims: readonly string[]): KubeObject =>
  ({
    metadata: { namespace, name },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: 'none' }],
      volumes: claims.map((each) => ({ name: each, persistentVolumeClaim: { claimName: each } })),
    },
  }) as KubeObject

/** What a person did may be too late, or come too early: then it is as if it had not been done. */
const orNothing = async (work: Promise<unknown>): Promise<void> => {
  await work.catch((error: unknown) => {
    const usual = [AlreadyExists, Conflict, Forbidden, Invalid, NotFound]
    if (!usual.some((kind) => error instanceof kind)) throw error
  })
}

const findClaim = (
  { name: namespace, cluster }: World,
  { pod, claim }: { pod: number; claim: number },
): Promise<PersistentVolumeClaim | undefined> =>
  cluster.client.get<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, {
    ...{ namespace, name: claimName(pod, claim) },
  })

const findVolume = async (
  world: World,
  which: { pod: number; claim: number },
): Promise<PersistentVolume | undefined> => {
  const claim = await findClaim(world, which)
  if (claim === undefined) return undefined
  const name = `pvc-${claim.metadata.uid ?? ''}`
  return world.cluster.client.get<PersistentVolume>(PERSISTENT_VOLUMES, { name })
}

const remove = async (
  { cluster }: World,
  type: ResourceType,
  object: KubeObject | undefined,
): Promise<void> => {
  const { namespace, name = '', uid = '' } = object?.metadata ?? {}
  if (object === undefined) return
  const where = { ...(namespace === undefined ? {} : { namespace }), name }
  await orNothing(cluster.client.delete(type, where, { uid }))
}

const patchVolume = async (
  world: World,
  volume: PersistentVolume | undefined,
  patch: unknown,
): Promise<void> => {
  if (volume === undefined) return
  const { name = '' } = volume.metadata
  await orNothing(world.cluster.client.patch(PERSISTENT_VOLUMES, { name }, patch, { type: 'merge' }))
}

const deletePod = async (world: World, { pod }: { readonly pod: number }): Promise<void> => {
  const { cluster, name: namespace } = world
  await remove(world, PODS, await cluster.client.get<Pod>(PODS, { namespace, name: podName(pod) }))
}

const move = async (
  world: World,
  { node, ...which }: { readonly pod: number; readonly claim: number; readonly node: number },
): Promise<void> => {
  const found = await findClaim(world, which)
  if (found !== undefined && !isBound(found)) await world.scheduler.select(found, world.node(node).name)
}

const roomFor = (memory: NodeMemory, extents: number): bigint | undefined => {
  const sizeBytes = BigInt(extents) * EXTENT_BYTES
  return memory.group === undefined || memory.freeBytes < sizeBytes ? undefined : sizeBytes
}

const makeForeign = (memory: NodeMemory, extents: number): void => {
  const sizeBytes = roomFor(memory, extents)
  const name = `hand-${memory.volumes.length + memory.removals.length}`
  if (sizeBytes !== undefined) memory.add(name, sizeBytes, undefined)
}

/** As an agent leaves it that died, for a claim that was deleted meanwhile. */
const makeOrphan = ({ name: namespace }: World, memory: NodeMemory, extents: number): void => {
  const sizeBytes = roomFor(memory, extents)
  if (sizeBytes === undefined) return
  const claimUid = randomUUID()
  memory.add(`pvc-${claimUid}`, sizeBytes, {
    ...{ state: 'new', clusterId: memory.clusterId, claimUid, claimNamespace: namespace, claimName: 'gone' },
    ...{ storageClassName: namespace, erase: 'zero', content: 'ext4' },
  })
}

/** The logical volume of a bound claim, with where it is. */
const findPlaced = async (
  world: World,
  which: { pod: number; claim: number },
): Promise<{ memory: NodeMemory; volume: LogicalVolume } | undefined> => {
  const claim = await findClaim(world, which)
  const object = await findVolume(world, which)
  if (claim === undefined || object === undefined || !isBound(claim)) return undefined
  const memory = world.nodeNamed(nodeOfVolume(object))?.memory
  const handle = parseVolumeHandle(object.spec.csi?.volumeHandle ?? '')
  const volume = handle === undefined ? undefined : memory?.byHandle(handle)
  return memory === undefined || volume === undefined ? undefined : { memory, volume }
}

const DOINGS: { readonly [Name in Action['do']]: Doing<Name> } = {
  createPod: async (world, { pod, extents }) => {
    const { cluster } = world
    const names = extents.map((_, claim) => claimName(pod, claim))
    for (const [claim, size] of extents.entries())
      await orNothing(
        cluster.client.create(PERSISTENT_VOLUME_CLAIMS, claimFor(world, claimName(pod, claim), size)),
      )
    await orNothing(cluster.client.create(PODS, podFor(world, podName(pod), names)))
  },
  deletePod,
  deletePodWithClaims: async (world, { pod }) => {
    await deletePod(world, { pod })
    for (const claim of [0, 1, 2])
      await remove(world, PERSISTENT_VOLUME_CLAIMS, await findClaim(world, { pod, claim }))
  },
  deleteClaim: async (world, action) =>
    remove(world, PERSISTENT_VOLUME_CLAIMS, await findClaim(world, action)),
  deleteVolume: async (world, action) => remove(world, PERSISTENT_VOLUMES, await findVolume(world, action)),
  forceDeleteVolume: async (world, action) => {
    const volume = await findVolume(world, action)
    await remove(world, PERSISTENT_VOLUMES, volume)
    await patchVolume(world, volume, { metadata: { finalizers: null } })
  },
  unlabelVolume: async (world, action) =>
    patchVolume(world, await findVolume(world, action), { metadata: { labels: { [NODE_LABEL]: null } } }),
  setPolicy: async (world, { policy, ...which }) =>
    patchVolume(world, await findVolume(world, which), { spec: { persistentVolumeReclaimPolicy: policy } }),
  useVolume: async (world, action) => {
    const { memory, volume } = (await findPlaced(world, action)) ?? {}
    if (memory === undefined || volume?.record?.state !== 'new') return
    const record = { ...volume.record, state: 'used' as const }
    memory.byHand(() => memory.replace({ ...volume, record, tags: tagsOf(record) }))
  },
  openVolume: async (world, action) => {
    const { memory, volume } = (await findPlaced(world, action)) ?? {}
    if (memory !== undefined && volume !== undefined)
      memory.byHand(() => memory.replace({ ...volume, open: true }))
  },
  expand: async (world, { extents, ...which }) => {
    const patch = { spec: { resources: { requests: storageOf(extents) } } }
    const where = { namespace: world.name, name: claimName(which.pod, which.claim) }
    await orNothing(world.cluster.client.patch(PERSISTENT_VOLUME_CLAIMS, where, patch, { type: 'merge' }))
  },
  moveClaims: async (world, { pod, node }) => {
    for (const claim of [0, 1, 2]) await move(world, { pod, claim, node })
  },
  moveClaim: move,
  makeByHand: (world, action) => {
    const { memory } = world.node(action.node)
    memory.byHand(() => makeForeign(memory, action.extents))
    return Promise.resolve()
  },
  makeUnseen: (world, { node, extents }) => {
    makeForeign(world.node(node).memory, extents)
    return Promise.resolve()
  },
  leaveOrphan: (world, { node, extents }) => {
    const { memory } = world.node(node)
    memory.byHand(() => makeOrphan(world, memory, extents))
    return Promise.resolve()
  },
  leaveTwin: async (world, { node, ...which }) => {
    const found = await findPlaced(world, which)
    const { memory } = world.node(node)
    const { record } = found?.volume ?? {}
    if (found === undefined || found.memory === memory || record === undefined) return
    const { name, sizeBytes } = found.volume
    memory.byHand(() => memory.add(name, sizeBytes, { ...record, state: 'new' }))
  },
  removeByHand: (world, { node, which }) => {
    const { memory } = world.node(node)
    const { [which]: volume } = memory.volumes
    if (volume !== undefined) memory.byHand(() => memory.remove(volume, 'hand'))
    return Promise.resolve()
  },
  crash: (world, { node }) => {
    world.node(node).agent.crash()
    return Promise.resolve()
  },
  crashAt: (world, { node, point, count }) => {
    world.node(node).agent.crashAt(point, count)
    return Promise.resolve()
  },
  cutWatches: (world, { node }) => {
    world.node(node).way.cutWatches()
    return Promise.resolve()
  },
  lagWatches: (world, { node }) => {
    world.node(node).way.lag()
    return Promise.resolve()
  },
  trouble: (world, { node, on, fault, times }) => {
    world.node(node).way.trouble(on, fault, times)
    return Promise.resolve()
  },
  holdCreates: (world, { node }) => {
    world.node(node).memory.holdCreates()
    return Promise.resolve()
  },
  releaseCreates: (world, { node }) => {
    world.node(node).memory.releaseCreates()
    return Promise.resolve()
  },
  lvmFault: (world, { node, fault }) => {
    world.node(node).memory.faults.push(fault)
    return Promise.resolve()
  },
  deleteClass: async (world) => {
    const { client } = world.cluster
    await remove(world, STORAGE_CLASSES, await client.get<KubeObject>(STORAGE_CLASSES, { name: world.name }))
  },
  createClass: (world) => orNothing(createClass(world.cluster.client, world.name)),
  wait: (_, { ms }) => sleep(ms),
  rest: () => Promise.resolve(),
}

/** Does one action. @throws what is neither a fault of the model nor a person who came too late. */
export const perform = (world: World, action: Action): Promise<void> =>
  (DOINGS[action.do] as Doing<Action['do']>)(world, action)
