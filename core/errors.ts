/**
 * Base of every error that Loam raises on purpose. Each room derives its own small set from it; one place per
 * border (gRPC codes, conditions, events) maps them outwards.
 */
export abstract class LoamError extends Error {
  /** Stable CamelCase word, used as a condition or event reason. Never reused for another meaning. */
  abstract readonly reason: string
  /** What it happened to, in the field's own terms: `logical volume "loam-fast/pvc-…"`. */
  readonly object: string
  /** What a person can do about it; empty when nothing but waiting helps. */
  readonly advice: string

  constructor(object: string, what: string, options: { advice?: string; cause?: unknown } = {}) {
    const advice = options.advice ?? ''
    super(
      `${object}: ${what}${advice === '' ? '' : ` (${advice})`}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.object = object
    this.advice = advice
    this.name = new.target.name
  }
}

/** Text of anything that was thrown, for logs and messages. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown)
