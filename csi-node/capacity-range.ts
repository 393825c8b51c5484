import { describeBytes } from '../core/quantity.ts'
import { InvalidField, SizeOutOfRange } from './errors.ts'
import type { CapacityRange } from './gen/csi.ts'

/** A range of sizes in bytes; 0 as limit is no limit. */
export interface Sizes {
  readonly requiredBytes: bigint
  readonly limitBytes: bigint
}

/** What a caller gets who says nothing about the size (CSI specification, CapacityRange). */
const USUAL_BYTES = 1024n ** 3n

/** @throws InvalidField for negative numbers, SizeOutOfRange when the limit is below what is required. */
export const requireSizes = (range: CapacityRange | undefined): Sizes => {
  const { requiredBytes = 0n, limitBytes = 0n } = range ?? {}
  if (requiredBytes < 0n || limitBytes < 0n)
    throw new InvalidField(
      'capacity_range',
      `${requiredBytes} to ${limitBytes} bytes: allowed are 0 and more`,
    )
  if (limitBytes > 0n && limitBytes < requiredBytes)
    throw new SizeOutOfRange(
      `limit_bytes ${limitBytes} is below required_bytes ${requiredBytes}`,
      'raise the limit, or leave it out',
    )
  return { requiredBytes, limitBytes }
}

/** What to make for such a range: the least, the usual size where nothing is said, never more than the limit. */
export const wantedBytes = ({ requiredBytes, limitBytes }: Sizes): bigint => {
  if (requiredBytes > 0n) return requiredBytes
  return limitBytes > 0n && limitBytes < USUAL_BYTES ? limitBytes : USUAL_BYTES
}

export const isWithin = ({ requiredBytes, limitBytes }: Sizes, sizeBytes: bigint): boolean =>
  sizeBytes >= requiredBytes && (limitBytes === 0n || sizeBytes <= limitBytes)

/** @throws SizeOutOfRange when whole extents are more than the limit. */
export const requireWithinLimit = ({ limitBytes }: Sizes, sizeBytes: bigint): void => {
  if (limitBytes === 0n || sizeBytes <= limitBytes) return
  throw new SizeOutOfRange(
    `a volume of whole extents has ${describeBytes(sizeBytes)} (${sizeBytes} bytes), and limit_bytes is ${limitBytes}`,
    'raise the limit, or leave it out',
  )
}
