import { silentLogger, type LogFields, type Logger } from '../../../core/logger.ts'

const write =
  (level: string, common: LogFields) =>
  (message: string, fields: LogFields = {}): void => {
    const text = JSON.stringify({ ...common, ...fields }, (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}` : value,
    )
    console.log(`${(performance.now() / 1000).toFixed(2)} ${level} ${message} ${text}`)
  }

const speaking = (common: LogFields): Logger => ({
  ...{ debug: () => undefined, info: write('info', common), warn: write('warn', common) },
  ...{ error: write('error', common), child: (fields) => speaking({ ...common, ...fields }) },
})

/** What the agents log, with LOAM_MODEL_LOG set: to look into one sequence. */
export const modelLog = (): Logger => (process.env.LOAM_MODEL_LOG === undefined ? silentLogger : speaking({}))
