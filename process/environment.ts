import { validate } from 'node-cron'
import { LoamError } from '../core/errors.ts'

export class InvalidConfig extends LoamError {
  override readonly reason = 'InvalidConfig'
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Reads settings one by one, and keeps what is wrong with each, so that a person hears of all faults at once. */
export class EnvironmentReader {
  readonly #environment: Environment
  readonly #faults: string[] = []

  constructor(environment: Environment) {
    this.#environment = environment
  }

  text(name: string, fallback?: string): string {
    const value = this.#environment[name] ?? fallback
    if (value === undefined || value === '') this.blame(`${name} is not set`)
    return value ?? ''
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    const value = this.#environment[name] ?? fallback
    const found = allowed.find((candidate) => candidate === value)
    if (found === undefined) this.blame(`${name} is "${value}": allowed are ${allowed.join(', ')}`)
    return found ?? fallback
  }

  whole(name: string, fallback: number, maximum: number, minimum = 0): number {
    const value = this.#environment[name] ?? String(fallback)
    const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN
    if (!(number >= minimum && number <= maximum))
      this.blame(`${name} is "${value}": allowed are whole numbers from ${minimum} to ${maximum}`)
    return number
  }

  /** A node-cron expression. */
  times(name: string, fallback: string): string {
    const value = this.text(name, fallback)
    if (!validate(value)) this.blame(`${name} is "${value}": a cron expression is wanted`)
    return value
  }

  /** An absolute path without a slash at its end. */
  path(name: string, fallback: string): string {
    const value = this.text(name, fallback)
    if (!/^\/[A-Za-z0-9_./-]*[A-Za-z0-9_-]$/.test(value))
      this.blame(`${name} is "${value}": an absolute path is wanted`)
    return value
  }

  /** One part of a URL's path. */
  word(name: string, fallback: string): string {
    const value = this.text(name, fallback)
    if (!/^[A-Za-z0-9_-]{1,63}$/.test(value))
      this.blame(`${name} is "${value}": allowed are up to 63 letters, digits, "-" and "_"`)
    return value
  }

  blame(fault: string): void {
    this.#faults.push(fault)
  }

  /** @throws InvalidConfig with every fault so far. */
  check(program: string): void {
    if (this.#faults.length > 0)
      throw new InvalidConfig(`environment of the ${program}`, this.#faults.join('; '))
  }
}
