import { performance } from 'node:perf_hooks'
import type { Connection } from '../../../kube/connection.ts'
import {
  startFaultyProxy,
  statusBody,
  type Fault,
  type FaultyProxy,
  type LineEditor,
  type ProxiedRequest,
} from '../kube/faulty-proxy.ts'

export const REQUEST_KINDS = ['read', 'write', 'claim', 'volume', 'watch'] as const
export type RequestKind = (typeof REQUEST_KINDS)[number]

export const WAY_FAULTS = [
  ...(['drop', 'lose', 'truncate', 'twice', 'delay'] as const),
  ...(['409', '429', '500', '410'] as const),
] as const
/** `hold`: the request reaches the server when the way is healed. */
export type WayFault = (typeof WAY_FAULTS)[number] | 'hold'

/** Dry runs tell nothing of the cluster. */
const isWrite = ({ method, url }: ProxiedRequest): boolean =>
  method !== 'GET' && !url.searchParams.has('dryRun')

const IS_KIND: Readonly<Record<RequestKind, (request: ProxiedRequest) => boolean>> = {
  read: ({ method, watch }) => method === 'GET' && !watch,
  write: isWrite,
  claim: (request) => isWrite(request) && request.url.pathname.includes('/persistentvolumeclaims/'),
  volume: (request) => isWrite(request) && request.url.pathname.includes('/persistentvolumes'),
  watch: ({ watch }) => watch,
}

/** The answer that each says of a write that was not done. */
const conflictOf = ({ method }: ProxiedRequest): string => (method === 'POST' ? 'AlreadyExists' : 'Conflict')

const answer = (status: number, reason: string, headers: Record<string, string> = {}): Fault => ({
  ...{ kind: 'answer', status, headers, body: statusBody(status, reason, 'from the model') },
})

const DELAY_MS = 400

const faultFor = (fault: WayFault, request: ProxiedRequest, healed: Promise<unknown>): Fault | undefined => {
  switch (fault) {
    case 'hold':
      return { kind: 'hold', until: healed }
    case 'delay':
      return { kind: 'hold', until: new Promise((resolve) => setTimeout(resolve, DELAY_MS)) }
    case '409':
      return isWrite(request) ? answer(409, conflictOf(request)) : undefined
    case '410':
      return request.watch ? answer(410, 'Expired') : undefined
    case '429':
      return answer(429, 'TooManyRequests', { 'retry-after': '1' })
    case '500':
      return answer(500, 'InternalError')
    case 'twice':
      return request.watch ? undefined : { kind: 'twice' }
    default:
      return { kind: fault }
  }
}

interface Trouble {
  readonly on: RequestKind
  readonly fault: WayFault
  left: number
}

/** A request of the agent, and when it came. */
export interface SeenRequest {
  readonly request: ProxiedRequest
  readonly atMs: number
}

/** The way of one node's agent to the API server. */
export class FaultyWay {
  readonly #proxy: FaultyProxy
  readonly #troubles: Trouble[] = []
  #lags = false
  #healed = Promise.withResolvers<undefined>()
  readonly seen: SeenRequest[] = []
  /** How many requests were done to as no API server should. */
  faultsMet = 0
  /** Looks at each request as it comes; a promise holds it until it settles. */
  onRequest: (request: ProxiedRequest, body: Buffer) => Promise<void> | undefined = () => undefined

  private constructor(proxy: FaultyProxy) {
    this.#proxy = proxy
    proxy.rule = (request, body) => this.#rule(request, body)
  }

  static async open(upstream: Connection): Promise<FaultyWay> {
    return new FaultyWay(await startFaultyProxy(upstream))
  }

  get connection(): Connection {
    return {
      server: this.#proxy.server,
      credentials: () => Promise.resolve({ tls: {} }),
      renew: () => undefined,
    }
  }

  /** The next requests of the kind meet the fault. */
  trouble(on: RequestKind, fault: WayFault, times: number): void {
    this.#troubles.push({ on, fault, left: times })
  }

  /** From now on watches tell nothing, until they are cut. */
  lag(): void {
    this.#lags = true
  }

  cutWatches(): void {
    this.#lags = false
    this.#proxy.breakWatches()
  }

  heal(): void {
    this.#troubles.splice(0)
    this.#healed.resolve(undefined)
    this.#healed = Promise.withResolvers()
    this.cutWatches()
  }

  close(): void {
    this.#proxy.stop()
  }

  #rule(request: ProxiedRequest, body: Buffer): Fault | undefined {
    this.seen.push({ request, atMs: performance.now() })
    const until = this.onRequest(request, body)
    const trouble = this.#troubles.find(({ on, left }) => left > 0 && IS_KIND[on](request))
    if (trouble !== undefined) {
      trouble.left -= 1
      const fault = faultFor(trouble.fault, request, this.#healed.promise)
      if (fault !== undefined) {
        this.faultsMet += 1
        return fault
      }
    }
    if (until !== undefined) return { kind: 'hold', until }
    return request.watch ? { kind: 'lines', edit: this.#laggingLines() } : undefined
  }

  #laggingLines(): LineEditor {
    return (line) => ({ pieces: this.#lags ? [] : [Buffer.from(line)] })
  }
}
