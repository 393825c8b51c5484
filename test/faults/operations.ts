import { mkdir, open, readFile, writeFile } from 'node:fs/promises'

import type { ThinLayout } from '../../core/layout.ts'
import type { LogicalVolume, NodeVolumes, VolumeGroup, WantedContent } from '../../lvm/types.ts'
import { writeAt } from '../node/lvm/arrange.ts'
import { ensure, MIB, requestFor, run } from '../node/lvm/fixture.ts'
import type { AcknowledgedVolume, Claim, Facts } from './facts.ts'
import { SECRET } from './former-bytes.ts'
import { demand, Violation } from './invariants.ts'

/** What an operation works with. */
export interface Scene {
  readonly volumes: NodeVolumes
  /** Paths that the class lists. */
  readonly disks: readonly string[]
  readonly claim: Claim
  readonly facts: Facts
}

/** Does one thing as the agent would, and gives what is acknowledged by it. Safe to repeat. */
export type Operation = (scene: Scene) => Promise<Facts>

const SIZE_BYTES = 16n * MIB
/** As much as the pool has to be at least when the volume is made. */
export const THIN: ThinLayout = { name: 'thin', pool: 'thinpool', overprovisionPermille: 1000n }
const MOUNT_POINT = '/run/loam-test/mnt'

/** The story's group, as the class has it looked at. @throws Error when it is not well. */
export const ensureGroup = async ({ volumes, disks, facts }: Scene): Promise<VolumeGroup> => {
  const expected = facts.groupUuid === undefined ? {} : { expectedGroupUuid: facts.groupUuid }
  const { group, problem } = await ensure(volumes, disks, expected)
  if (group === undefined || problem !== undefined) throw new Error(problem?.message ?? 'no group')
  return group
}

const acknowledged = ({ facts }: Scene): AcknowledgedVolume => {
  if (facts.volume === undefined) throw new Error('this story has no volume yet')
  return facts.volume
}

const contentOf = ({ claim: { content } }: Scene): WantedContent =>
  content === 'block' ? { kind: 'block' } : { kind: 'fileSystem', type: content, mkfsOptions: [] }

const withFileSystem = async (devicePath: string, use: (file: string) => Promise<void>): Promise<void> => {
  await mkdir(MOUNT_POINT, { recursive: true })
  await run('mount', devicePath, MOUNT_POINT)
  try {
    await use(`${MOUNT_POINT}/data`)
  } finally {
    await run('umount', MOUNT_POINT)
  }
}

const writeDurably = async (file: string): Promise<void> => {
  const handle = await open(file, 'w')
  try {
    await writeFile(handle, SECRET.repeat(64))
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const uuidOf = async (devicePath: string, { claim }: Scene): Promise<string> =>
  claim.content === 'block'
    ? 'block'
    : await run('blkid', '--probe', '--output', 'value', '--match-tag', 'UUID', devicePath)

const group: Operation = async (scene) => ({ ...scene.facts, groupUuid: (await ensureGroup(scene)).uuid })

const recorded = ({ handle, name, sizeBytes }: LogicalVolume): AcknowledgedVolume => ({
  handle,
  name,
  sizeBytes: `${sizeBytes}`,
})

const create: Operation = async (scene) => {
  const { uid, content, erase, layout } = scene.claim
  const linear = requestFor(await ensureGroup(scene), SIZE_BYTES, { claimUid: uid, content, erase })
  const request = layout === 'thin' ? { ...linear, layout: THIN } : linear
  return { ...scene.facts, volume: recorded(await scene.volumes.createVolume(request)) }
}

/** Handed out for the first time, and written to. */
const stage: Operation = async (scene) => {
  const volume = acknowledged(scene)
  await ensureGroup(scene)
  const { devicePath } = await scene.volumes.prepareVolume(volume.handle, contentOf(scene))
  if (scene.claim.content === 'block')
    for (const at of [0, 6, 12]) await writeAt(devicePath, at << 20, Buffer.from(SECRET.repeat(64)))
  else await withFileSystem(devicePath, writeDurably)
  return { ...scene.facts, volume: { ...volume, used: { fileSystemUuid: await uuidOf(devicePath, scene) } } }
}

/** Handed out again: the same file system, with what was written. */
const stageAgain: Operation = async (scene) => {
  const volume = acknowledged(scene)
  await ensureGroup(scene)
  const { devicePath } = await scene.volumes.prepareVolume(volume.handle, contentOf(scene))
  const check = async (file: string): Promise<void> =>
    demand((await readFile(file)).includes(SECRET), 'I1: what the user wrote and synced is gone')
  if (scene.claim.content === 'block') await check(devicePath)
  else await withFileSystem(devicePath, check)
  return { ...scene.facts, volume: { ...volume, used: { fileSystemUuid: await uuidOf(devicePath, scene) } } }
}

/** Twice as large as it was made. */
const extend: Operation = async (scene) => {
  const volume = acknowledged(scene)
  await ensureGroup(scene)
  const { sizeBytes } = await scene.volumes.extendVolume({
    ...{ handle: volume.handle, sizeBytes: 2n * SIZE_BYTES, overprovisionPermille: 1000n },
  })
  return { ...scene.facts, volume: { ...volume, sizeBytes: `${sizeBytes}` } }
}

const release: Operation = async (scene) => {
  await ensureGroup(scene)
  await scene.volumes.releaseVolume(acknowledged(scene).handle)
  return scene.facts
}

const remove: Operation = async (scene) => {
  const { handle, name } = acknowledged(scene)
  const { uid, erase } = scene.claim
  await ensureGroup(scene)
  await scene.volumes.removeVolume(handle, { name, claimUid: uid, erase })
  if ((await scene.volumes.findVolume(handle)) !== undefined)
    throw new Violation(`I6: volume ${name} was removed, and is there`)
  return { ...scene.facts, removed: true }
}

/** Handed out again, although somebody has removed the device node. */
const stageWithoutNode: Operation = async (scene) => {
  const { handle } = acknowledged(scene)
  await ensureGroup(scene)
  const { devicePath } = await scene.volumes.prepareVolume(handle, contentOf(scene))
  await run('rm', '--force', devicePath)
  return await stageAgain(scene)
}

export const VOLUME_OPERATIONS = {
  ...{ group, create, extend, stage, release, stageAgain, stageWithoutNode, remove },
} as const
