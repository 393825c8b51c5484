import { SharedRead } from './shared-read.ts'

const BETWEEN_CHANGES_TRIES = 3

/**
 * A costly read whose last result is handed out again as long as a cheap one proves that it is still true. The proof is
 * a text that differs whenever the result could; undefined proves nothing, and taking it never fails. It is taken before the costly read and
 * after: a result that raced with a change belongs to no moment that can be found again, and is not kept.
 */
export class ProvenRead<T> {
  readonly #prove: () => Promise<string | undefined>
  readonly #read: () => Promise<T>
  readonly #fresh: SharedRead<T>
  readonly #reread: SharedRead<T>
  readonly #cheap: SharedRead<T | undefined>
  readonly #cheapest: SharedRead<T>
  #kept: { readonly result: T; readonly proof: string } | undefined

  /** `readCheaply` is another way to the same result, which does not always lead there. */
  constructor(
    prove: () => Promise<string | undefined>,
    read: () => Promise<T>,
    readCheaply: () => Promise<T | undefined> = () => Promise.resolve(undefined),
  ) {
    this.#prove = prove
    this.#read = read
    this.#fresh = new SharedRead(async () => (await this.#proved()) ?? (await this.reread()))
    this.#reread = new SharedRead(async () => (await this.#readAnew(this.#read)).result)
    this.#cheap = new SharedRead(() => this.#betweenChanges(readCheaply))
    this.#cheapest = new SharedRead(
      async () => (await this.#proved()) ?? (await this.cheap()) ?? (await this.reread()),
    )
  }

  /** What was true at some moment after the call: proved to be still so, or read. */
  fresh(): Promise<T> {
    return this.#fresh.fresh()
  }

  /** As `fresh`, read cheaply where that leads to a result. */
  cheapest(): Promise<T> {
    return this.#cheapest.fresh()
  }

  /** A costly read that began after the call. */
  reread(): Promise<T> {
    return this.#reread.fresh()
  }

  /** A cheap read that began after the call, and while which nothing changed; undefined when there is none. */
  cheap(): Promise<T | undefined> {
    return this.#cheap.fresh()
  }

  async #proved(): Promise<T | undefined> {
    const kept = this.#kept
    const isProved = kept !== undefined && (await this.#prove()) === kept.proof
    // a newer result that came meanwhile must not be followed by this one: that would be a step back in time
    return isProved && this.#kept === kept ? kept.result : undefined
  }

  /** One change follows another in a burst, and between two there is time. Undefined when there was none, or no result. */
  async #betweenChanges(read: () => Promise<T | undefined>): Promise<T | undefined> {
    for (let tries = 0; tries < BETWEEN_CHANGES_TRIES; tries += 1) {
      const { result, isProved } = await this.#readAnew(read)
      if (isProved || result === undefined) return result
    }
    return undefined
  }

  async #readAnew<R extends T | undefined>(
    read: () => Promise<R>,
  ): Promise<{ readonly result: R; readonly isProved: boolean }> {
    this.#kept = undefined
    const before = await this.#prove()
    const result = await read()
    const isProved = result !== undefined && before !== undefined && (await this.#prove()) === before
    if (isProved) this.#kept = { result, proof: before }
    return { result, isProved }
  }
}
