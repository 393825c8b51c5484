import type { Placement } from '../core/layout-size.ts'
import { addTags, placeOperand, type LvmCommand } from './lvm-command.ts'
import { checkGroupName, checkVolumeName } from './names.ts'

interface Pool {
  readonly groupName: string
  readonly name: string
}

const operandOf = ({ groupName, name }: Pool): string =>
  `${checkGroupName(groupName)}/${checkVolumeName(name)}`

/**
 * lvcreate(8) of an inactive thin pool with all its tags in the one commit, in the one run of extents that is named.
 * `--zero y`: a chunk is zeroed before a volume gets it, unless it is written whole. `--discards passdown`: what a file
 * system frees is free for the pool's other volumes, and for the disk. The spare metadata is for `lvconvert --repair`.
 */
export const createPoolCommand = (
  pool: Pool & {
    readonly dataExtents: bigint
    readonly metadataBytes: bigint
    readonly chunkBytes: bigint
    readonly place: Placement
    readonly tags: readonly string[]
  },
): LvmCommand => ({
  name: 'lvcreate',
  effect: 'change',
  step: 'create-pool',
  options: [
    ...['--type', 'thin-pool', '--activate', 'n', '--zero', 'y', '--discards', 'passdown'],
    ...['--chunksize', `${pool.chunkBytes}b`, '--poolmetadatasize', `${pool.metadataBytes}b`],
    ...['--poolmetadataspare', 'y', '--extents', `${pool.dataExtents}`, '--name', checkVolumeName(pool.name)],
    ...addTags(pool.tags),
  ],
  operands: [checkGroupName(pool.groupName), placeOperand(pool.place)],
})

/** lvextend(8) of a pool's data area to so many extents; repeated, it changes nothing. Works while volumes are in use. */
export const growPoolCommand = (pool: Pool, dataExtents: bigint): LvmCommand => ({
  name: 'lvextend',
  effect: 'change',
  step: 'grow-pool',
  options: ['--extents', `${dataExtents}`],
  operands: [operandOf(pool)],
})

/** lvextend(8) of a pool's metadata to that size; LVM enlarges the spare with it. */
export const growPoolMetadataCommand = (pool: Pool, metadataBytes: bigint): LvmCommand => ({
  name: 'lvextend',
  effect: 'change',
  step: 'grow-pool-metadata',
  options: ['--poolmetadatasize', `${metadataBytes}b`],
  operands: [operandOf(pool)],
})

/**
 * lvcreate(8) of an inactive thin volume with all its tags in the one commit. `--setactivationskip n`: LVM activates it
 * as any other. Autoactivation is set for the group; thin volumes know no setting of their own.
 */
export const createThinVolumeCommand = (volume: {
  readonly groupName: string
  readonly name: string
  readonly poolName: string
  readonly sizeBytes: bigint
  readonly tags: readonly string[]
}): LvmCommand => ({
  name: 'lvcreate',
  effect: 'change',
  step: 'create-volume',
  options: [
    ...['--type', 'thin', '--activate', 'n', '--setactivationskip', 'n'],
    ...['--virtualsize', `${volume.sizeBytes}b`, '--thinpool', checkVolumeName(volume.poolName)],
    ...['--name', checkVolumeName(volume.name), ...addTags(volume.tags)],
  ],
  operands: [checkGroupName(volume.groupName)],
})
