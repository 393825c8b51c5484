/** Waiting times that grow with every failure in a row. */
export interface Backoff {
  /** Upper bound of the first wait; it doubles with every failure. */
  readonly firstMs: number
  /** Upper bound of every wait. */
  readonly maxMs: number
  /** The share of the bound that is always waited, 0 to 1. The rest is random. */
  readonly leastShare: number
}

/** For readers of the API server. All of the wait is random, so that readers that failed together return apart. */
export const READER_BACKOFF: Backoff = { firstMs: 800, maxMs: 30_000, leastShare: 0 }

/** For readers that were told no: only an administrator changes that. */
export const REFUSED_BACKOFF: Backoff = { firstMs: 30_000, maxMs: 30_000, leastShare: 0.5 }

/** For a key of a work queue. */
export const KEY_BACKOFF: Backoff = { firstMs: 1_000, maxMs: 300_000, leastShare: 0.5 }

/** How long to wait after `failures` failures in a row; 1 is the first. */
export const backoffMs = (backoff: Backoff, failures: number, random: () => number = Math.random): number => {
  const boundMs = Math.min(backoff.maxMs, backoff.firstMs * 2 ** (failures - 1))
  return Math.round(boundMs * (backoff.leastShare + (1 - backoff.leastShare) * random()))
}
