import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { backoffMs, READER_BACKOFF, REFUSED_BACKOFF, type Backoff } from './backoff.ts'
import { Forbidden, Gone, KubeError, Malformed, Rejected, Unauthorized } from './errors.ts'
import { listPages } from './list.ts'
import { LocalCopy } from './object-store.ts'
import { isOlder } from './resource-version.ts'
import type { Transport } from './transport.ts'
import type { KubeObject, ListOptions, ObjectKey, ObjectStore, Project, ResourceType } from './types.ts'
import { openWatch, type WatchEvent } from './watch-stream.ts'

export interface ReflectorOptions<Raw extends KubeObject, Kept> {
  readonly transport: Transport
  readonly type: ResourceType
  readonly options?: ListOptions
  readonly project: Project<Raw, Kept>
  readonly log: Logger
  /** Ends the reader. */
  readonly signal: AbortSignal
  readonly backoff?: Backoff
  /** See SILENCE_MS. */
  readonly silenceMs?: number
}

export interface Reflector<Kept> extends ObjectStore<Kept> {
  /** Why the copy may be behind the server; undefined while a watch is open. */
  readonly trouble: string | undefined
  /** Settles when the reader has ended after `signal`. */
  readonly stopped: Promise<void>
}

/**
 * TCP keep-alive finds a dead peer in 40 s; this is for what keeps TCP alive and passes nothing on. Measured on
 * Kubernetes 1.36: the first bookmark comes after 120 s, then one a minute, and none at all in a cluster without writes.
 */
const SILENCE_MS = 150_000
/** A watch that lived so long shows a sound server, even when nothing happened. */
const LONG_WATCH_MS = 60_000

/** Refusals that end only when an administrator changes something. */
const isRefusal = (error: unknown): boolean =>
  error instanceof Forbidden || error instanceof Rejected || error instanceof Unauthorized

class Reader<Raw extends KubeObject, Kept> {
  readonly copy: LocalCopy<Kept>
  readonly #given: ReflectorOptions<Raw, Kept>
  readonly #onSynced: () => void
  /** Where the next watch starts; undefined means that a list is needed first. */
  #version: string | undefined
  #failures = 0
  trouble: string | undefined = 'not listed yet'

  constructor(given: ReflectorOptions<Raw, Kept>, onSynced: () => void) {
    this.#given = given
    this.#onSynced = onSynced
    this.copy = new LocalCopy(given.log)
  }

  async run(): Promise<void> {
    const { signal } = this.#given
    while (!signal.aborted) {
      const waitMs = await this.#round()
      await sleep(waitMs, undefined, { signal }).catch(() => undefined)
    }
    this.trouble = 'stopped'
  }

  /** Lists when needed, watches until the watch ends, and gives the time to wait before the next round. */
  async #round(): Promise<number> {
    this.#failures += 1
    try {
      this.#version ??= await this.#list()
      this.#onSynced()
      await this.#watch(this.#version)
      return backoffMs(this.#given.backoff ?? READER_BACKOFF, Math.max(this.#failures, 1))
    } catch (error) {
      if (this.#given.signal.aborted) return 0
      return this.#explain(error)
    }
  }

  async #list(): Promise<string> {
    const { transport, type, options = {}, signal } = this.#given
    const seen = new Set<ObjectKey>()
    const version = await listPages<Raw>(transport, { type, options, signal, resume: false }, (raw) => {
      const kept = this.#project(raw)
      const key = this.copy.set(raw, kept)
      if (kept !== undefined) seen.add(key)
    })
    this.copy.removeAllBut(seen)
    return version
  }

  async #watch(resourceVersion: string): Promise<void> {
    const { transport, type, options = {}, log, signal, silenceMs = SILENCE_MS } = this.#given
    const events = await openWatch(transport, { type, options, resourceVersion, silenceMs, signal })
    const openedAt = performance.now()
    this.trouble = undefined
    try {
      for await (const event of events) this.#apply(event)
    } finally {
      const livedMs = performance.now() - openedAt
      if (livedMs >= LONG_WATCH_MS) this.#failures = 0
      log.debug('A watch ended', { resource: type.plural, livedMs })
    }
  }

  #apply({ type, object }: WatchEvent): void {
    const { resourceVersion } = object.metadata
    if (isOlder(resourceVersion, this.#version)) {
      const what = `version ${resourceVersion} came after ${this.#version}`
      throw new Malformed(`watch of ${this.#given.type.plural}`, what)
    }
    this.#version = resourceVersion
    if (type === 'BOOKMARK') return
    this.#failures = 0
    if (type === 'DELETED') this.copy.removeObject(object)
    else this.copy.set(object, this.#project(object as Raw))
  }

  /** One object that a projection cannot take must not stop the view of all others. */
  #project(raw: Raw): Kept | undefined {
    try {
      return this.#given.project(raw)
    } catch (error) {
      const { namespace, name } = raw.metadata
      this.#given.log.error('An object was left out: its projection failed', {
        kind: this.#given.type.kind,
        namespace,
        name,
        error: messageOf(error),
      })
      return undefined
    }
  }

  #explain(error: unknown): number {
    if (error instanceof Gone || error instanceof Malformed) this.#version = undefined
    this.trouble = messageOf(error)
    const backoff = isRefusal(error) ? REFUSED_BACKOFF : (this.#given.backoff ?? READER_BACKOFF)
    const askedMs = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0
    const waitMs = Math.max(askedMs, backoffMs(backoff, Math.max(this.#failures, 1)))
    this.#given.log.warn('Reading objects was interrupted', {
      resource: this.#given.type.plural,
      error: this.trouble,
      waitMs,
      listAgain: this.#version === undefined,
    })
    return waitMs
  }
}

/**
 * Keeps a local copy of the objects that pass `project`, by list and watch, until `signal`. It survives everything a
 * server or network does; what it does not promise is that every change is heard: changes between two looks are heard
 * as one, and an object deleted and made again meanwhile as gone and come. It never reads on behalf of a decision that
 * destroys something: read the object itself for that.
 */
export const startReflector = <Raw extends KubeObject, Kept>(
  given: ReflectorOptions<Raw, Kept>,
): Reflector<Kept> => {
  const synced = Promise.withResolvers<undefined>()
  // Who does not wait for the first list need not handle that it never came.
  synced.promise.catch(() => undefined)
  const reader = new Reader(given, () => synced.resolve(undefined))
  const stopped = reader.run().then(() => {
    synced.reject(new Error(`the reader of ${given.type.plural} was stopped before its first list`))
  })
  return {
    get: (key) => reader.copy.get(key),
    entries: () => reader.copy.entries(),
    onChange: (listener) => reader.copy.onChange(listener),
    synced: synced.promise,
    stopped,
    get trouble() {
      return reader.trouble
    },
  }
}
