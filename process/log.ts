import winston from 'winston'
import type { LogFields, Logger } from '../core/logger.ts'

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** winston prints an Error in the fields as `{}`: spell out what a reader needs, causes included. */
const plain = (value: unknown): unknown => {
  if (typeof value === 'bigint') return value.toString()
  if (!(value instanceof Error)) return value
  return {
    name: value.name,
    message: value.message,
    ...('reason' in value ? { reason: value.reason } : {}),
    stack: value.stack,
    ...(value.cause === undefined ? {} : { cause: plain(value.cause) }),
  }
}

const line = winston.format.printf((info) => {
  const fields = info.fields as LogFields
  const out: LogFields = { ts: new Date().toISOString(), level: info.level, msg: info.message }
  for (const [name, value] of Object.entries(fields)) out[name] = plain(value)
  return JSON.stringify(out, (_, value: unknown) => plain(value))
})

const wrap = (log: winston.Logger, bound: LogFields): Logger => {
  const at =
    (level: string) =>
    (message: string, fields?: LogFields): void =>
      void log.log({ level, message, fields: { ...bound, ...fields } })
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(log, { ...bound, ...fields }),
  }
}

/** One JSON object a line: `ts`, `level`, `msg`, then the fields. */
export const createLogger = (level: LogLevel, stream: NodeJS.WritableStream = process.stdout): Logger => {
  const transport = new winston.transports.Stream({ stream })
  // winston's own declaration gives its transports an interface in place of the class that they extend.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
  return wrap(winston.createLogger({ level, format: line, transports: transport }), {})
}
