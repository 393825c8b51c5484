export interface TokenBucketLimits {
  /** How often a key may act at once. */
  readonly burst: number
  /** After so long it may act once more. */
  readonly refillMs: number
  /** How many keys are remembered; the one that acted longest ago is forgotten first. */
  readonly maxKeys: number
}

interface Bucket {
  readonly tokens: number
  readonly at: number
}

/** A token bucket for each key: a noisy key uses up its own tokens, not those of others. */
export class TokenBuckets {
  readonly #limits: TokenBucketLimits
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()

  constructor(limits: TokenBucketLimits, now: () => number = () => performance.now()) {
    this.#limits = limits
    this.#now = now
  }

  /** Takes a token; false when there is none. */
  take(key: string): boolean {
    const { burst, refillMs, maxKeys } = this.#limits
    const at = this.#now()
    const last = this.#buckets.get(key) ?? { tokens: burst, at }
    const tokens = Math.min(burst, last.tokens + (at - last.at) / refillMs)
    const taken = tokens >= 1
    // Deleting first moves the key to the end of the Map's order.
    this.#buckets.delete(key)
    this.#buckets.set(key, { tokens: taken ? tokens - 1 : tokens, at })
    const [oldest] = this.#buckets.keys()
    if (this.#buckets.size > maxKeys && oldest !== undefined) this.#buckets.delete(oldest)
    return taken
  }
}
