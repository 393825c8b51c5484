import { isDeepStrictEqual } from 'node:util'
import { parseQuantity } from '../core/quantity.ts'
import type { NodeLocalStorage } from '../crd/types.ts'

type Status = NonNullable<NodeLocalStorage['status']>

/** Without what JSON leaves out: what is stored has been through it. */
const asStored = (content: object): unknown => JSON.parse(JSON.stringify(content))

/** What a status says, without the time of saying it. That a claim has left and its volume stays is no news. */
const contentOf = ({ status = {} }: NodeLocalStorage): unknown => {
  const { room } = status
  return asStored({ ...status, room: room && { ...room, countedClaims: [] }, lastReportTime: '' })
}

/** The same report but for the time of reporting: then writing it again would tell nobody anything. */
export const saysTheSame = (one: NodeLocalStorage, other: NodeLocalStorage): boolean =>
  isDeepStrictEqual(contentOf(one), contentOf(other))

/** What it says without the numbers that change with each volume. */
const frameOf = ({ volumeGroup, ...status }: Status): unknown => {
  const { name, uuid, size, missingDisks } = volumeGroup ?? {}
  const others = { ...status, room: undefined, thinPools: undefined, lastReportTime: '' }
  return asStored({ ...others, volumeGroup: { name, uuid, size, missingDisks } })
}

const bytesOf = (text: string | undefined): bigint => parseQuantity(text ?? '') ?? 0n

const offersMore = (before: Status, now: Status): boolean =>
  (['free', 'largestVolume'] as const).some(
    (field) => bytesOf(now.volumeGroup?.[field]) > bytesOf(before.volumeGroup?.[field]),
  )

/**
 * Whether volumes have come, and nothing else has happened. Nobody waits for that: what claims take is taken off by
 * whoever sees them come. New room is another matter, as are conditions and disks.
 */
export const isOnlyFuller = (before: NodeLocalStorage, now: NodeLocalStorage): boolean =>
  !offersMore(before.status ?? {}, now.status ?? {}) &&
  isDeepStrictEqual(frameOf(before.status ?? {}), frameOf(now.status ?? {}))
