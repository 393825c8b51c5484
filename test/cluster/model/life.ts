import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import { FAILPOINT_CHANNEL } from '../../../core/failpoints.ts'
import type { ApiRequest, Transport } from '../../../kube/transport.ts'

const lives = new AsyncLocalStorage<Life>()

/**
 * One run of an agent. Its death is that of a process that is killed: what it asked for may still be done, and nothing
 * of it ever hears of that, nor does anything more. Several agents run in one process, so each carries its life along
 * all its asynchronous work.
 */
export class Life {
  #isOver = false
  /** The failpoint at which it ends, and how often that is passed before. */
  #fate: { readonly point: string; left: number } | undefined
  readonly #onEnd: () => void

  /** `onEnd` is called once, within the step at which the life ends. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Runs the work, and all that comes of it, as a part of this life. */
  run<T>(work: () => T): T {
    return lives.run(this, work)
  }

  /** Has it end at the `count`th passing of a failpoint from now on. */
  endAt(point: string, count: number): void {
    this.#fate = { point, left: count }
  }

  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onEnd()
  }

  pass(point: string): void {
    if (this.#fate?.point !== point) return
    this.#fate.left -= 1
    if (this.#fate.left <= 0) this.end()
  }

  /** Goes on only while it lives. */
  survive(): Promise<void> {
    return this.#isOver ? new Promise<never>(() => undefined) : Promise.resolve()
  }

  /** Does something that only the living begin, and of whose end only the living hear. */
  async live<T>(work: () => Promise<T>): Promise<T> {
    await this.survive()
    try {
      return await work()
    } finally {
      await this.survive()
    }
  }
}

subscribe(FAILPOINT_CHANNEL, (point) => lives.getStore()?.pass(String(point)))

/** The way to the API server of an agent that can die. */
export const mortalTransport = (transport: Transport, life: Life): Transport => ({
  json: (request: ApiRequest): Promise<unknown> => life.live(() => transport.json(request)),
  stream: (request: ApiRequest): Promise<IncomingMessage> => life.live(() => transport.stream(request)),
  close: () => transport.close(),
})
