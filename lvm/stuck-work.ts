import { OutcomeUnknown, Stuck } from './errors.ts'

/**
 * Remembers work that outlived its deadline and goes on, such as a process on a disk that does not answer, by what it
 * is about: a volume group, a disk. Until it ends, further work on the same thing is refused at once instead of being
 * started behind it; other things are not concerned. Nothing is ever killed for it.
 */
export class StuckWork {
  readonly #kind: string
  readonly #onChange: (key: string) => void
  readonly #stuck = new Map<string, readonly Stuck[]>()
  readonly #noted = new WeakSet<OutcomeUnknown>()

  /** `kind` is for messages: `volume group`. `onChange` is called when work on a key got stuck, and when it ended. */
  constructor(kind: string, onChange: (key: string) => void = () => undefined) {
    this.#kind = kind
    this.#onChange = onChange
  }

  /** What is stuck on the key now. */
  get(key: string): Stuck | undefined {
    return this.#stuck.get(key)?.[0]
  }

  /** @throws Stuck when earlier work on the key has not ended. */
  refuse(key: string): void {
    const stuck = this.get(key)
    if (stuck !== undefined) throw new Stuck(stuck.object, stuck.on)
  }

  /** Runs the work unless the key is stuck, and takes note when it gets stuck. @throws Stuck, what the work throws. */
  async watch<T>(key: string, work: () => Promise<T>): Promise<T> {
    this.refuse(key)
    try {
      return await work()
    } catch (error) {
      if (error instanceof OutcomeUnknown) this.#note(key, error)
      throw error
    }
  }

  /** Things that were started before the first got stuck can be stuck, too: the key is free when the last has ended. */
  #note(key: string, error: OutcomeUnknown): void {
    const { object, since, ended } = error
    // an outcome can be unknown of work that is over; and what watches inside what watches sees the same error
    if (ended === undefined || this.#noted.has(error)) return
    this.#noted.add(error)
    const stuck = new Stuck(`${this.#kind} "${key}"`, { what: object, since })
    const before = this.#stuck.get(key) ?? []
    this.#stuck.set(key, [...before, stuck])
    if (before.length === 0) this.#onChange(key)
    void ended.then(() => this.#forget(key, stuck))
  }

  #forget(key: string, ended: Stuck): void {
    const left = (this.#stuck.get(key) ?? []).filter((stuck) => stuck !== ended)
    if (left.length > 0) {
      this.#stuck.set(key, left)
      return
    }
    this.#stuck.delete(key)
    this.#onChange(key)
  }
}
