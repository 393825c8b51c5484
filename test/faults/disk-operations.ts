import type { EnsureGroupRequest, EnsureGroupResult } from '../../lvm/types.ts'
import { ensure, MIB, run } from '../node/lvm/fixture.ts'
import { eventually } from '../support/eventually.ts'
import type { Facts } from './facts.ts'
import { demand } from './invariants.ts'
import type { Operation, Scene } from './operations.ts'

type Result = EnsureGroupResult & { readonly group: NonNullable<EnsureGroupResult['group']> }

const ensureWith = async (
  { volumes, facts }: Scene,
  disks: readonly string[],
  other: Partial<EnsureGroupRequest> = {},
): Promise<Result> => {
  const expected = facts.groupUuid === undefined ? {} : { expectedGroupUuid: facts.groupUuid }
  const recordedDisks = (facts.recordedDisks ?? []).map((disk) => ({
    ...disk,
    sizeBytes: BigInt(disk.sizeBytes),
  }))
  const result = await ensure(volumes, disks, { ...expected, recordedDisks, ...other })
  const { group, problem } = result
  if (group === undefined || problem !== undefined) throw new Error(problem?.message ?? 'no group')
  return { ...result, group }
}

const factsOf = ({ facts }: Scene, { group, disks }: Result): Facts => ({
  ...facts,
  groupUuid: group.uuid,
  recordedDisks: disks.flatMap(({ recorded }) =>
    recorded === undefined ? [] : [{ ...recorded, sizeBytes: `${recorded.sizeBytes}` }],
  ),
})

const openDisks = ({ group }: Result): number =>
  group.physicalVolumes.filter(({ allocatable }) => allocatable).length

const groupOfFirst: Operation = async (scene) =>
  factsOf(scene, await ensureWith(scene, scene.disks.slice(0, 1)))

const joinSecond: Operation = async (scene) => {
  const result = await ensureWith(scene, scene.disks)
  demand(openDisks(result) === 2, 'I1: the second disk is not part of the group')
  return factsOf(scene, result)
}

const closeSecond: Operation = async (scene) => {
  const result = await ensureWith(scene, scene.disks.slice(0, 1))
  demand(openDisks(result) === 1, 'I1: the second disk was not closed')
  return scene.facts
}

const openSecond: Operation = async (scene) => {
  const result = await ensureWith(scene, scene.disks)
  demand(openDisks(result) === 2, 'I1: the second disk was not opened')
  return scene.facts
}

const GROWN_BYTES = 120n * MIB

/** The disk is a device-mapper device over the one named second. */
const grow: Operation = async (scene) => {
  const [path = '', below = ''] = scene.disks
  await run('dmsetup', 'reload', path, '--table', `0 ${GROWN_BYTES / 512n} linear ${below} 0`)
  await run('dmsetup', 'resume', path)
  const before = await ensureWith(scene, [path])
  const after = await ensureWith(scene, [], { disks: [{ path, growToBytes: GROWN_BYTES }] })
  demand(after.group.sizeBytes >= before.group.sizeBytes, 'I1: the group has shrunk')
  demand(after.group.sizeBytes > 90n * MIB, 'I1: the disk was acknowledged as grown and is not')
  return scene.facts
}

/** A disk that holds something is taken, because a person has named it. */
const takeNamed: Operation = async (scene) => {
  const [path = ''] = scene.disks
  const { volumes } = scene
  const look = await ensure(volumes, [path])
  const disks = [{ path, allowNonBlank: look.disks[0]?.id ?? '' }]
  const isMember = async (): Promise<boolean> =>
    (await ensure(volumes, [], { disks })).disks[0]?.reason === 'Member'
  await eventually('the disk is taken', isMember, 120_000)
  return factsOf(scene, await ensureWith(scene, [path]))
}

export const DISK_OPERATIONS = {
  ...{ groupOfFirst, joinSecond, closeSecond, openSecond, grow, takeNamed },
} as const
