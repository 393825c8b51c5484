/** Facts that go with a log line. Sizes in bytes carry `Bytes` in their name; secrets never enter. */
export type LogFields = Record<string, unknown>

/** Structured log: a constant message plus fields, so that lines can be counted and searched by message. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same log with fields added to every line. */
  child(fields: LogFields): Logger
}

const nothing = (): void => undefined

/** Drops everything: for tests and tools that have no log of their own. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
}
