import { atStep, type ChangeStep } from '../../../core/failpoints.ts'
import { tagsOf } from '../../../core/volume-tags.ts'
import { Conflict, Frozen, InUse, NoSpace, NotFound, OutcomeUnknown, Refused } from '../../../lvm/errors.ts'
import type {
  CreateVolumeRequest,
  EnsureGroupRequest,
  EnsureGroupResult,
  LogicalVolume,
  NodeVolumes,
} from '../../../lvm/types.ts'
import type { Life } from './life.ts'
import { EXTENT_BYTES, type LvmFault, type NodeMemory } from './node-memory.ts'

const wholeExtents = (bytes: bigint): bigint => ((bytes + EXTENT_BYTES - 1n) / EXTENT_BYTES) * EXTENT_BYTES

/**
 * lvm/ of one run of an agent, over the memory of its node: the same answers and errors, and the same steps at which a
 * process can die. In memory, because a real LVM cannot be had for many sequences on a machine that runs other tests;
 * what a real one does at each step is for the crash harness of test/faults.
 */
export const memoryRoom = (memory: NodeMemory, life: Life): NodeVolumes => {
  /** A start of the agent knows no group before it has looked at its disks. */
  let isKnown = false

  const known = () => {
    if (!isKnown || memory.group === undefined)
      throw new Frozen('NotSeen', `volume group of ${memory.nodeName}`, 'was not seen yet')
    return memory.group
  }
  const step = <T>(name: ChangeStep, change: () => T): Promise<T> =>
    atStep(name, () => life.live(() => Promise.resolve(change())))

  const refuseFor = (names: readonly string[], requestedBytes: bigint): NoSpace => {
    for (const name of names) memory.refusedAt.set(name, performance.now())
    return new NoSpace(`logical volume "${names.join('", "')}"`, {
      ...{ layout: 'linear', requestedBytes, largestBytes: memory.freeBytes },
      freeOnDisks: [{ path: '/dev/vdb', freeBytes: memory.freeBytes }],
    })
  }

  /** Want of space midway comes at the last of several. */
  const nextFault = (name: string, all: readonly string[]): LvmFault | undefined =>
    memory.faults[0] === 'noSpaceMidway' && name !== all.at(-1) ? undefined : memory.faults.shift()

  const make = async (request: CreateVolumeRequest, all: readonly string[]): Promise<LogicalVolume> => {
    const { name, record, groupUuid } = request
    if (known().uuid !== groupUuid) throw new Refused(`volume "${name}"`, 'its group is another one')
    const found = memory.find(name)
    if (found?.record?.state === 'erasing') throw new Refused(`volume "${name}"`, 'is being removed')
    if (found !== undefined) {
      if (found.record?.claimUid === record.claimUid) return found
      throw new Conflict(`volume "${name}"`, 'is there for something else')
    }
    const sizeBytes = wholeExtents(request.sizeBytes)
    const fault = nextFault(name, all)
    if (fault === 'unknownBefore') throw new OutcomeUnknown(`volume "${name}"`, 'no answer')
    if (fault === 'noSpaceMidway' || memory.freeBytes < sizeBytes) throw refuseFor(all, sizeBytes)
    await life.live(() => memory.beforeCreate())
    const made = await step('create-volume', () => {
      if (memory.freeBytes < sizeBytes) throw refuseFor(all, sizeBytes)
      return memory.find(name) ?? memory.add(name, sizeBytes, record)
    })
    if (fault === 'unknownAfter') throw new OutcomeUnknown(`volume "${name}"`, 'no answer')
    return made
  }
  const find = (handle: LogicalVolume['handle']): LogicalVolume => {
    known()
    const found = memory.byHandle(handle)
    if (found === undefined) throw new NotFound(`volume ${handle.volumeUuid}`, 'is not in its group')
    return found
  }
  const answer = <T>(work: () => T | Promise<T>): Promise<T> => life.live(async () => work())
  const unused = (what: string) => (): Promise<never> =>
    Promise.reject(new Error(`${what} is for kubelet, and there is none`))

  return {
    inventory: () =>
      answer(() => ({
        groups: isKnown && memory.group !== undefined ? [memory.group] : [],
        volumes: isKnown ? memory.volumes : [],
        unseen: [],
      })),

    ensureGroup: (request: EnsureGroupRequest): Promise<EnsureGroupResult> =>
      answer(async () => {
        await step('create-group', () => memory.makeGroup(request.name, request.clusterId))
        isKnown = true
        const group = known()
        const [disk] = group.physicalVolumes
        const { uuid = '', sizeBytes = 0n, devicePath = '' } = disk ?? {}
        const recorded = { id: `serial-${memory.nodeName}`, sizeBytes, physicalVolumeUuid: uuid }
        const disks = request.disks.map(({ path }) => ({
          ...{ ...recorded, path, devicePath, state: 'Accepted' as const, reason: 'Member', message: '' },
          recorded: { ...recorded, path },
        }))
        return { group, disks, problem: undefined }
      }),

    forgetGroup: () => undefined,

    createVolume: (request) => answer(() => make(request, [request.name])),

    createVolumes: (requests) =>
      answer(async () => {
        const names = requests.map(({ name }) => name)
        const missing = requests.filter(({ name }) => memory.find(name) === undefined)
        const wanted = missing.reduce((sum, { sizeBytes }) => sum + wholeExtents(sizeBytes), 0n)
        if (wanted > memory.freeBytes) throw refuseFor(names, wanted)
        const made: LogicalVolume[] = []
        for (const request of requests) made.push(await make(request, names))
        return made
      }),

    findVolume: (handle) =>
      answer(() => {
        known()
        return memory.byHandle(handle)
      }),

    extendVolume: ({ handle, sizeBytes }) =>
      answer(() => {
        const found = find(handle)
        const wanted = wholeExtents(sizeBytes)
        if (wanted <= found.sizeBytes) return found
        if (wanted - found.sizeBytes > memory.freeBytes) throw refuseFor([], wanted)
        return step('extend-volume', () => memory.replace({ ...find(handle), sizeBytes: wanted }))
      }),

    removeVolume: (handle, expected) =>
      answer(async () => {
        known()
        const found = memory.byHandle(handle)
        if (found === undefined) return
        const { name, record } = found
        if (record === undefined || name !== expected.name || record.claimUid !== expected.claimUid)
          throw new Refused(`volume "${name}"`, 'is not the one that was expected')
        if (found.open) throw new InUse(`volume "${name}"`, 'is open')
        const erasing = { ...record, state: 'erasing' as const }
        if (record.state === 'used')
          await step('tag-volume', () => memory.replace({ ...found, record: erasing, tags: tagsOf(erasing) }))
        await step('remove-volume', () => {
          const now = memory.byHandle(handle)
          if (now !== undefined) memory.remove(now, 'agent')
        })
      }),

    prepareVolume: unused('prepareVolume'),
    growFileSystem: unused('growFileSystem'),
    releaseVolume: unused('releaseVolume'),
  }
}
