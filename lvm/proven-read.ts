import { SharedRead } from './shared-read.ts'

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
  #kept: { readonly result: T; readonly proof: string } | undefined

  constructor(prove: () => Promise<string | undefined>, read: () => Promise<T>) {
    this.#prove = prove
    this.#read = read
    this.#fresh = new SharedRead(() => this.#keptOrRead())
    this.#reread = new SharedRead(() => this.#readAnew())
  }

  /** What was true at some moment after the call: proved to be still so, or read. */
  fresh(): Promise<T> {
    return this.#fresh.fresh()
  }

  /** A costly read that began after the call. */
  reread(): Promise<T> {
    return this.#reread.fresh()
  }

  async #keptOrRead(): Promise<T> {
    const kept = this.#kept
    const isProved = kept !== undefined && (await this.#prove()) === kept.proof
    // a newer result that came meanwhile must not be followed by this one: that would be a step back in time
    return isProved && this.#kept === kept ? kept.result : await this.reread()
  }

  async #readAnew(): Promise<T> {
    this.#kept = undefined
    const before = await this.#prove()
    const result = await this.#read()
    if (before !== undefined && (await this.#prove()) === before) this.#kept = { result, proof: before }
    return result
  }
}
