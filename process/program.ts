import type { Logger } from '../core/logger.ts'
import type { Environment } from './environment.ts'
import { createLogger, type LogLevel } from './log.ts'
import { VERSION } from './version.ts'

const EXIT_WITHIN_MS = 1000
const STOP_PART_WITHIN_MS = 20_000

/** A step that ends what was started; they are run last to first. */
interface Undo {
  readonly what: string
  readonly step: () => Promise<void> | void
}

/** What a program begins with. */
export interface Beginning<Config> {
  readonly config: Config
  readonly log: Logger
  /** Fires when the program is asked to end. */
  readonly signal: AbortSignal
  /** Grows with each part that was started. */
  readonly undo: Undo[]
}

/** One of Loam's programs. */
export interface Program<Config> {
  readonly name: string
  /** @throws with every fault at once. */
  readonly readConfig: (environment: Environment) => Config
  /** Starts everything; what it started goes on until the program is asked to end. */
  readonly start: (beginning: Beginning<Config>) => Promise<void>
}

interface CommonConfig {
  readonly logLevel: LogLevel
  readonly nodeName?: string
}

/**
 * Each part gets its time and no more. The timer also keeps the process alive: what a part waits for may not, and a
 * process that runs empty ends in the middle of its goodbye.
 */
const stopAll = async (undo: readonly Undo[], log: Logger): Promise<void> => {
  for (const { what, step } of [...undo].reverse()) {
    const outOfTime = Promise.withResolvers<never>()
    const timer = setTimeout(() => outOfTime.reject(new Error('it takes too long')), STOP_PART_WITHIN_MS)
    try {
      await Promise.race([step(), outOfTime.promise])
      log.debug('part stopped', { part: what })
    } catch (error) {
      log.error('a part did not stop', { part: what, error })
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Runs until a signal asks it to end; what is being done then is finished first. */
const run = async <Config extends CommonConfig>(program: Program<Config>): Promise<void> => {
  const { name, readConfig, start } = program
  const config = readConfig(process.env)
  const { logLevel, nodeName } = config
  const log = createLogger(logLevel).child(nodeName === undefined ? {} : { node: nodeName })
  log.info(`${name} starting`, { version: VERSION })
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // Not `once`: with our listener gone, execa's signal-exit takes itself for the only one and ends the process.
    process.on(signal, () => {
      log.info(`${name} stopping`, { signal })
      stopping.abort()
    })
  }
  const undo: Undo[] = []
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()))
  try {
    await Promise.race([start({ config, log, signal: stopping.signal, undo }), stopped])
    await stopped
  } finally {
    await stopAll(undo, log)
    log.info(`${name} stopped`)
  }
}

/** Ends the process once its last lines are written, and in any case soon. */
const exit = (status: number): void => {
  process.exitCode = status
  setTimeout(() => process.exit(), EXIT_WITHIN_MS).unref()
}

/** Runs a program of Loam's as this process. Status 0 after a signal, 1 when it could not start. */
export const runProgram = <Config extends CommonConfig>(program: Program<Config>): void => {
  run(program).then(
    () => exit(0),
    (error: unknown) => {
      createLogger('error').error(`${program.name} failed`, { error })
      exit(1)
    },
  )
}
