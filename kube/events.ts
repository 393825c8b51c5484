import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { eventObject, microTime } from './event-object.ts'
import { EVENTS } from './resources.ts'
import { TokenBuckets } from './token-buckets.ts'
import type { EventRecorder, EventRequest, KubeClient } from './types.ts'

export interface EventRecorderOptions {
  readonly client: KubeClient
  readonly log: Logger
  /** Who reports: the node's or the pod's name. */
  /** Which of Loam's programs speaks. */
  readonly reportingController: 'loam.storage/agent' | 'loam.storage/scheduler'
  readonly reportingInstance: string
  /** A repeat is written to its series after so long, together with those that came meanwhile. */
  readonly seriesIntervalMs?: number
}

/** client-go's: a repeat after this time is a new event. */
const SERIES_END_MS = 360_000
const SERIES_INTERVAL_MS = 30_000
/** Series that are remembered, and events that wait to be sent: both bound memory, not behaviour in normal times. */
const MAX_SERIES = 1000
const MAX_PENDING = 200
/** Of one object: ten different events at once, then one a minute. Repeats are counted in their series and cost nothing. */
const LIMITS_PER_OBJECT = { burst: 10, refillMs: 60_000, maxKeys: 1000 }

interface Series {
  readonly namespace: string
  readonly name: string
  count: number
  lastObserved: Date
  lastAt: number
  timer: NodeJS.Timeout | undefined
}

const identityOf = ({ type, reason, action, message, regarding }: EventRequest): string =>
  JSON.stringify([type, reason, action, message, regarding.kind, regarding.uid, regarding.name])

class Recorder implements EventRecorder {
  readonly #options: EventRecorderOptions
  readonly #series = new Map<string, Series>()
  readonly #buckets = new TokenBuckets(LIMITS_PER_OBJECT)
  #sending: Promise<void> = Promise.resolve()
  #pending = 0

  constructor(options: EventRecorderOptions) {
    this.#options = options
  }

  record(event: EventRequest): void {
    const identity = identityOf(event)
    const series = this.#series.get(identity)
    if (series !== undefined && performance.now() - series.lastAt < SERIES_END_MS)
      this.#repeat(identity, series)
    else this.#begin(identity, event)
  }

  async flush(): Promise<void> {
    for (const [identity, series] of this.#series)
      if (series.timer !== undefined) this.#update(identity, series)
    await this.#sending
  }

  #begin(identity: string, event: EventRequest): void {
    const now = new Date()
    const { reportingController: controller, reportingInstance: instance } = this.#options
    const reporter = { controller, instance }
    const object = eventObject(event, reporter, now)
    if (!this.#buckets.take(event.regarding.uid) || this.#pending >= MAX_PENDING) {
      this.#options.log.warn('An event was dropped: there are too many', { event })
      return
    }
    const { namespace, name } = object.metadata
    this.#remember(identity, {
      namespace,
      name,
      count: 1,
      lastObserved: now,
      lastAt: performance.now(),
      timer: undefined,
    })
    this.#send(identity, event.reason, () => this.#options.client.create(EVENTS, object))
  }

  #repeat(identity: string, series: Series): void {
    series.count += 1
    series.lastObserved = new Date()
    series.lastAt = performance.now()
    series.timer ??= setTimeout(
      () => this.#update(identity, series),
      this.#options.seriesIntervalMs ?? SERIES_INTERVAL_MS,
    ).unref()
  }

  #update(identity: string, series: Series): void {
    clearTimeout(series.timer)
    series.timer = undefined
    const { namespace, name, count } = series
    const patch = { series: { count, lastObservedTime: microTime(series.lastObserved) } }
    this.#send(identity, name, () =>
      this.#options.client.patch(EVENTS, { namespace, name }, patch, { type: 'merge' }),
    )
  }

  /** One after another, so that an update follows its event. */
  #send(identity: string, what: string, send: () => Promise<unknown>): void {
    this.#pending += 1
    this.#sending = this.#sending.then(async () => {
      try {
        await send()
      } catch (error) {
        // Never made, or gone after its hour: the next repeat makes a new one.
        this.#forget(identity)
        this.#options.log.warn('An event was not recorded', { event: what, error: messageOf(error) })
      } finally {
        this.#pending -= 1
      }
    })
  }

  #remember(identity: string, series: Series): void {
    this.#forget(identity)
    this.#series.set(identity, series)
    const [oldest] = this.#series.keys()
    if (this.#series.size > MAX_SERIES && oldest !== undefined) this.#forget(oldest)
  }

  #forget(identity: string): void {
    clearTimeout(this.#series.get(identity)?.timer)
    this.#series.delete(identity)
  }
}

/** See EventRecorder. Events are for people: nothing decides by them, and one that cannot be sent is logged only. */
export const createEventRecorder = (options: EventRecorderOptions): EventRecorder => new Recorder(options)
