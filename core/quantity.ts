/**
 * Kubernetes quantities ("10Gi", "1.5G", "1e3") as bytes. Fractions of a byte are rounded up, so that what is made
 * is never smaller than what was asked for. Rule: k8s.io/apimachinery, pkg/api/resource, "Quantity".
 */
const SUFFIXES: Record<string, bigint> = {
  '': 1n,
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
  Ei: 1n << 60n,
  k: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
  P: 10n ** 15n,
  E: 10n ** 18n,
}

const QUANTITY = /^\+?(\d{1,30})(?:\.(\d{0,30}))?(?:[eE]([+-]?\d{1,2})|(Ki|Mi|Gi|Ti|Pi|Ei|[kMGTPE]))?$/
const MILLI = /^\+?(\d{1,30})m$/

const divideRoundingUp = (dividend: bigint, divisor: bigint): bigint => (dividend + divisor - 1n) / divisor

/** Bytes of a quantity, or undefined when it is not one, or is negative. */
export const parseQuantity = (text: string): bigint | undefined => {
  const milli = MILLI.exec(text)
  if (milli?.[1] !== undefined) return divideRoundingUp(BigInt(milli[1]), 1000n)
  const match = QUANTITY.exec(text)
  if (match === null) return undefined
  const [, whole = '', fraction = '', exponent, suffix = ''] = match
  const digits = BigInt(whole + fraction)
  const power = Number(exponent ?? 0) - fraction.length
  const multiplier = (SUFFIXES[suffix] ?? 1n) * (power > 0 ? 10n ** BigInt(power) : 1n)
  return divideRoundingUp(digits * multiplier, power < 0 ? 10n ** BigInt(-power) : 1n)
}

const BINARY = ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki'] as const

/** The exact quantity, with the largest binary suffix that loses nothing: 1073741824 is "1Gi", 1000 is "1000". */
export const formatQuantity = (bytes: bigint): string => {
  for (const suffix of BINARY) {
    const unit = SUFFIXES[suffix] ?? 1n
    if (bytes !== 0n && bytes % unit === 0n) return `${bytes / unit}${suffix}`
  }
  return bytes.toString()
}

/** For people: "1.5 GiB". Rounded down to a tenth, so that free space is never overstated. */
export const describeBytes = (bytes: bigint): string => {
  for (const suffix of BINARY) {
    const unit = SUFFIXES[suffix] ?? 1n
    if (bytes < unit) continue
    const tenths = (bytes * 10n) / unit
    const text = tenths % 10n === 0n ? `${tenths / 10n}` : `${tenths / 10n}.${tenths % 10n}`
    return `${text} ${suffix}B`
  }
  return `${bytes} B`
}
