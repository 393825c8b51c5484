import type { ConfigSection, ConfigValue } from './metadata-syntax.ts'

/** The entries of a section, each of which has to be asked for: what nobody knows is not skipped. */
export class Fields {
  readonly #where: string
  readonly #left: Map<string, ConfigValue>

  constructor(where: string, section: ConfigSection) {
    this.#where = where
    this.#left = new Map(section)
  }

  text(name: string): string {
    const value = this.#take(name)
    return typeof value === 'string' ? value : this.#fail(name, 'a string')
  }

  count(name: string): bigint {
    const value = this.#take(name)
    return typeof value === 'bigint' && value >= 0n ? value : this.#fail(name, 'a count')
  }

  list(name: string): readonly (string | bigint)[] {
    const value = this.#take(name)
    return value instanceof Array ? value : this.#fail(name, 'an array')
  }

  /** Empty when absent. */
  texts(name: string): readonly string[] {
    if (!this.#left.has(name)) return []
    const list = this.list(name)
    const texts = list.filter((item) => typeof item === 'string')
    return texts.length === list.length ? texts : this.#fail(name, 'an array of strings')
  }

  /** Words that may stand in an array in any order; each of `required` must, and none but these and `allowed`. */
  words(name: string, required: readonly string[], allowed: readonly string[] = []): readonly string[] {
    const words = this.texts(name)
    const areKnown = words.every((word) => required.includes(word) || allowed.includes(word))
    return areKnown && required.every((word) => words.includes(word))
      ? words
      : this.#fail(name, `made of ${[...required, ...allowed].join(', ')}`)
  }

  /** Sections by their names; none when absent. */
  sections(name: string): readonly (readonly [name: string, section: ConfigSection])[] {
    if (!this.#left.has(name)) return []
    return new Fields(`${this.#where}/${name}`, this.#section(name)).remainingSections()
  }

  remainingSections(): readonly (readonly [name: string, section: ConfigSection])[] {
    return [...this.#left.keys()].map((name) => [name, this.#section(name)] as const)
  }

  /** What has no meaning for us, and may be absent. */
  skip(...names: readonly string[]): void {
    for (const name of names) this.#left.delete(name)
  }

  /** @throws Error when anything is left. */
  end(): void {
    const [name] = this.#left.keys()
    if (name !== undefined) this.#fail(name, 'absent')
  }

  #section(name: string): ConfigSection {
    const value = this.#take(name)
    return value instanceof Map ? (value as ConfigSection) : this.#fail(name, 'a section')
  }

  #take(name: string): ConfigValue | undefined {
    const value = this.#left.get(name)
    this.#left.delete(name)
    return value
  }

  #fail(name: string, expected: string): never {
    throw new Error(`${this.#where}: "${name}" is not ${expected}`)
  }
}
