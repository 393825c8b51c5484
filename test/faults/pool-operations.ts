import { poolTagsOf } from '../../core/volume-tags.ts'
import { isThinPool, type ThinPool } from '../../lvm/thin-pool.ts'
import { CLUSTER, GROUP, handMadeLvm, run } from '../node/lvm/fixture.ts'
import { eventually } from '../support/eventually.ts'
import { Violation } from './invariants.ts'
import { ensureGroup, THIN, type Operation, type Scene } from './operations.ts'

/** A pool of one extent, so that it has to grow for the volume of the story. */
const makeSmallPool: Operation = async (scene) => {
  await ensureGroup(scene)
  const found = await handMadeLvm('lvs', '--noheadings', '--options', 'lv_name', GROUP)
  if (found.includes(THIN.pool)) return scene.facts
  const tags = poolTagsOf(CLUSTER).flatMap((tag) => ['--addtag', tag])
  const shape = ['--type', 'thin-pool', '--zero', 'y', '--activate', 'n', '--extents', '1']
  await handMadeLvm('lvcreate', ...shape, '--name', THIN.pool, ...tags, GROUP)
  return scene.facts
}

const poolOf = async ({ volumes }: Scene): Promise<ThinPool> => {
  const pool = (await volumes.inventory()).volumes.filter(isThinPool).find(({ name }) => name === THIN.pool)
  if (pool === undefined) throw new Violation('I1: the pool of an acknowledged volume is gone')
  return pool
}

/** Each thin device that the kernel knows takes a block of 4 KiB, though it is empty and LVM has never heard of it. */
const BLOCK_BYTES = 4096n
/** More than the share at which Loam enlarges it, less than at which the pool breaks. */
const FULL_PERCENT = 80n
/** From here on a predecessor has begun to fill it, and its shell goes on without it. */
const FILLED_PERCENT = 50
/** LVM numbers its own from 1. */
const FIRST_DEVICE = 100_000n

const fillMetadata = async ({ pool: { metadataBytes } }: ThinPool): Promise<void> => {
  const devices = ((metadataBytes / BLOCK_BYTES) * FULL_PERCENT) / 100n
  const name = `${GROUP.replaceAll('-', '--')}-${THIN.pool}-tpool`
  const script = 'for id in $(seq "$2" "$3"); do dmsetup message "$1" 0 "create_thin $id"; done'
  await run('sh', '-ec', script, 'sh', name, `${FIRST_DEVICE}`, `${FIRST_DEVICE + devices}`)
}

/** The watch tries again a minute after it failed, as it does when a killed predecessor's LVM holds the lock. */
const GROWS_WITHIN_MS = 120_000

/**
 * The metadata of a pool in use is filled, and the room's own watch makes it larger. Data alone never gets that far,
 * because Loam makes metadata for twice what the group holds: it is filled with devices of which LVM knows nothing.
 */
const outgrowPoolMetadata: Operation = async (scene) => {
  const { extentSizeBytes } = await ensureGroup(scene)
  const hasGrown = ({ pool }: ThinPool): boolean => pool.metadataBytes > extentSizeBytes
  const before = await poolOf(scene)
  const [use] = (await scene.volumes.inventory()).poolUse ?? []
  if (!hasGrown(before) && (use?.metadataPercent ?? 0) < FILLED_PERCENT) await fillMetadata(before)
  await eventually(
    'the metadata of the pool is enlarged',
    async () => hasGrown(await poolOf(scene)),
    GROWS_WITHIN_MS,
  )
  // behind the watch's own work on the group, its flush included
  await ensureGroup(scene)
  return scene.facts
}

export const POOL_OPERATIONS = { makeSmallPool, outgrowPoolMetadata } as const
