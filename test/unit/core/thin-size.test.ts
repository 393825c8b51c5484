import { expect } from 'chai'
import fc from 'fast-check'
import {
  describableExtents,
  largestThinVolumeExtents,
  planThinRoom,
  poolShapeFor,
  type NewPool,
  type PoolPlan,
  type PoolSpace,
  type ThinRoom,
} from '../../../core/thin-size.ts'
import { arbitraryDisks } from './arbitrary-disks.ts'

const EXTENT = 4n << 20n
const GIB = 1n << 30n
const TIB = 1n << 40n

const disks = arbitraryDisks(5)
const permille = fc.oneof(fc.constant(1000n), fc.bigInt(1000n, 100_000n))
const newPool = fc.record<NewPool>({
  metadataExtents: fc.bigInt(1n, 600n),
  spareExtents: fc.bigInt(0n, 600n),
  describableExtents: fc.bigInt(1n, 10_000n),
})
/** One that Loam made keeps the ratio, and never has more data than its metadata describes. */
const oldPool = (ratio: bigint) =>
  fc
    .tuple(fc.bigInt(1n, 5000n), fc.bigInt(0n, 1000n), fc.bigInt(0n, 5000n))
    .map(([dataExtents, used, more]): PoolSpace => ({
      dataExtents,
      virtualExtents: (((dataExtents * ratio) / 1000n) * used) / 1000n,
      describableExtents: dataExtents + more,
    }))
const situation = permille.chain((ratio) =>
  fc.record({
    ratio: fc.constant(ratio),
    room: fc.record<ThinRoom>({ disks, pool: fc.oneof(newPool, oldPool(ratio)) }),
  }),
)

const freeOf = ({ disks: all }: ThinRoom): bigint =>
  all.flatMap(({ freeRuns }) => freeRuns).reduce((sum, { count }) => sum + count, 0n)
const virtualOf = ({ pool }: ThinRoom): bigint => ('virtualExtents' in pool ? pool.virtualExtents : 0n)
/** Extents that carrying out a plan takes from the group. */
const costOf = ({ pool }: ThinRoom, plan: PoolPlan): bigint =>
  'dataExtents' in pool
    ? plan.dataExtents - pool.dataExtents
    : plan.dataExtents + pool.metadataExtents + pool.spareExtents
/** The room after a plan was carried out and the volume made. */
const after = ({ disks: all, pool }: ThinRoom, plan: PoolPlan, extents: bigint): ThinRoom => {
  const left = freeOf({ disks: all, pool }) - costOf({ disks: all, pool }, plan)
  return {
    disks: left === 0n ? [] : [{ path: '/dev/rest', freeRuns: [{ first: 0n, count: left }] }],
    pool: {
      dataExtents: plan.dataExtents,
      virtualExtents: virtualOf({ disks: all, pool }) + extents,
      describableExtents: pool.describableExtents,
    },
  }
}

describe('core/thin-size', () => {
  it('has a plan for the largest volume and none for one extent more', () => {
    fc.assert(
      fc.property(situation, ({ ratio, room }) => {
        const largest = largestThinVolumeExtents(ratio, room)
        const isNone = planThinRoom(ratio, largest + 1n, room) === undefined
        return isNone && (largest === 0n || planThinRoom(ratio, largest, room) !== undefined)
      }),
    )
  })

  it('never exceeds the ratio, what is free, or what the metadata describes', () => {
    fc.assert(
      fc.property(situation, fc.bigInt(1n, 20_000n), ({ ratio, room }, extents) => {
        const plan = planThinRoom(ratio, extents, room)
        if (plan === undefined) return true
        const keepsRatio = (virtualOf(room) + extents) * 1000n <= plan.dataExtents * ratio
        const isDescribed = plan.dataExtents <= room.pool.describableExtents
        return keepsRatio && isDescribed && costOf(room, plan) <= freeOf(room)
      }),
    )
  })

  it('takes no more extents than the ratio asks for', () => {
    fc.assert(
      fc.property(situation, fc.bigInt(1n, 20_000n), ({ ratio, room }, extents) => {
        const plan = planThinRoom(ratio, extents, room)
        const before = 'dataExtents' in room.pool ? room.pool.dataExtents : 0n
        if (plan === undefined || plan.dataExtents === before) return true
        return (virtualOf(room) + extents) * 1000n > (plan.dataExtents - 1n) * ratio
      }),
    )
  })

  it('offers afterwards exactly what was offered before, less the volume', () => {
    fc.assert(
      fc.property(situation, fc.bigInt(1n, 20_000n), ({ ratio, room }, extents) => {
        const plan = planThinRoom(ratio, extents, room)
        if (plan === undefined) return true
        const left = largestThinVolumeExtents(ratio, after(room, plan, extents))
        return left === largestThinVolumeExtents(ratio, room) - extents
      }),
    )
  })

  it('begins a pool in one free run, with spare, metadata and at least one extent of data', () => {
    fc.assert(
      fc.property(permille, disks, newPool, fc.bigInt(1n, 20_000n), (ratio, given, pool, extents) => {
        const plan = planThinRoom(ratio, extents, { disks: given, pool })
        if (plan === undefined) return true
        const { make } = plan
        if (make === undefined) return false
        const { path, run } = make.place
        const isFree = given.some(
          (disk) =>
            disk.path === path &&
            disk.freeRuns.some(({ first, count }) => first === run.first && run.count <= count),
        )
        const isFilled = run.count === make.dataExtents + pool.metadataExtents + pool.spareExtents
        return isFree && isFilled && make.dataExtents > 0n && make.dataExtents <= plan.dataExtents
      }),
    )
  })

  it('offers nothing where no run takes metadata, spare and an extent of data', () => {
    const pool = { metadataExtents: 5n, spareExtents: 5n, describableExtents: 1000n }
    const free = (...counts: bigint[]) =>
      counts.map((count, index) => ({ path: `/dev/d${index}`, freeRuns: [{ first: 0n, count }] }))
    expect(largestThinVolumeExtents(1000n, { disks: free(10n, 10n), pool })).to.equal(0n)
    expect(largestThinVolumeExtents(1000n, { disks: free(11n, 10n), pool })).to.equal(11n)
    expect(largestThinVolumeExtents(2500n, { disks: free(11n, 10n), pool })).to.equal(27n)
  })

  it('makes metadata for twice what the group can hold, in whole extents, and chunks that are no larger than one', () => {
    fc.assert(
      fc.property(fc.bigInt(EXTENT, 200n * TIB), (sizeBytes) => {
        const { chunkBytes, metadataExtents } = poolShapeFor({ sizeBytes, extentSizeBytes: EXTENT })
        const isChunk = chunkBytes >= 65536n && chunkBytes <= EXTENT && EXTENT % chunkBytes === 0n
        const described = describableExtents(metadataExtents * EXTENT, chunkBytes, EXTENT)
        return isChunk && described >= 2n * (sizeBytes / EXTENT) && metadataExtents * EXTENT <= 15n * GIB
      }),
    )
  })

  it('keeps chunks small as long as the metadata stays within 2 GiB', () => {
    const shape = (sizeBytes: bigint) => poolShapeFor({ sizeBytes, extentSizeBytes: EXTENT })
    expect(shape(GIB)).to.deep.equal({ chunkBytes: 65536n, metadataExtents: 1n })
    expect(shape(TIB)).to.deep.equal({ chunkBytes: 65536n, metadataExtents: 512n })
    expect(shape(TIB + EXTENT)).to.deep.equal({ chunkBytes: 131072n, metadataExtents: 257n })
    expect(shape(16n * TIB)).to.deep.equal({ chunkBytes: 1n << 20n, metadataExtents: 512n })
  })
})
