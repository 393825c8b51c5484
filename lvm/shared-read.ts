/**
 * Lets callers that ask at the same time share one read, without ever handing out a read that began before the
 * question: a caller that comes while one is running waits for the next.
 */
export class SharedRead<T> {
  readonly #read: () => Promise<T>
  #running: Promise<T> | undefined
  #next: Promise<T> | undefined

  constructor(read: () => Promise<T>) {
    this.#read = read
  }

  /** What was true at some moment after the call. */
  fresh(): Promise<T> {
    if (this.#next !== undefined) return this.#next
    if (this.#running === undefined) return this.#start()
    this.#next = this.#running.then(
      () => this.#startNext(),
      () => this.#startNext(),
    )
    return this.#next
  }

  #startNext(): Promise<T> {
    this.#next = undefined
    return this.#start()
  }

  #start(): Promise<T> {
    const read = this.#read().finally(() => {
      if (this.#running === read) this.#running = undefined
    })
    this.#running = read
    return read
  }
}
