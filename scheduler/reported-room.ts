import type { FreeDisk } from '../core/layout-size.ts'
import { parseQuantity } from '../core/quantity.ts'
import type { NewPool, PoolSpace } from '../core/thin-size.ts'
import type { NodeLocalStorage } from '../crd/types.ts'

type RoomStatus = NonNullable<NonNullable<NodeLocalStorage['status']>['room']>

/** What a report says of the room in its volume group. */
export interface ReportedRoom {
  readonly extentSizeBytes: bigint
  readonly disks: readonly FreeDisk[]
  /** Of a thin class; undefined when its pool takes no volume. */
  readonly pool: PoolSpace | NewPool | undefined
  /** UIDs of the claims that have been taken off already. */
  readonly countedClaims: ReadonlySet<string>
}

/** Where runs lie does not matter here, only that they do not touch. */
const diskOf = ({ runs }: RoomStatus['disks'][number], index: number): FreeDisk => {
  let next = 0n
  const freeRuns = runs.map((length) => {
    const run = { first: next, count: BigInt(length) }
    next += run.count + 1n
    return run
  })
  return { path: `disk ${index}`, freeRuns }
}

const poolOf = ({ thinPool }: RoomStatus): PoolSpace | NewPool | undefined => {
  if (thinPool === undefined) return undefined
  const describableExtents = BigInt(thinPool.describable)
  const { data, volumes = 0, metadata = 0, spare = 0 } = thinPool
  return data === undefined
    ? { describableExtents, metadataExtents: BigInt(metadata), spareExtents: BigInt(spare) }
    : { describableExtents, dataExtents: BigInt(data), virtualExtents: BigInt(volumes) }
}

const read = ({ status }: NodeLocalStorage): ReportedRoom | undefined => {
  const extentSizeBytes = parseQuantity(status?.volumeGroup?.extentSize ?? '') ?? 0n
  if (status?.room === undefined || extentSizeBytes === 0n) return undefined
  const { room } = status
  return {
    extentSizeBytes,
    disks: room.disks.map(diskOf),
    pool: poolOf(room),
    countedClaims: new Set(room.countedClaims),
  }
}

const known = new WeakMap<NodeLocalStorage, { readonly room: ReportedRoom | undefined }>()

/** Reads a report; undefined when it offers nothing to new volumes. A report is read once, however often it is asked for. */
export const reportedRoom = (report: NodeLocalStorage): ReportedRoom | undefined => {
  const found = known.get(report)
  if (found !== undefined) return found.room
  const room = read(report)
  known.set(report, { room })
  return room
}
