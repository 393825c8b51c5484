import { Agent as HttpAgent, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Connection } from './connection.ts'
import { KubeError, Unavailable } from './errors.ts'
import { describeHttpError, readBody, sendRequest } from './http.ts'
import { errorOfStatus, type Status } from './status.ts'

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Of the API server, from "/api…"; its parts are escaped already. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly accept?: string
  readonly contentType?: string
  readonly body?: unknown
  /** What the request is about, for error messages. */
  readonly object: string
  readonly signal?: AbortSignal
}

/** HTTP to one API server. Every failure is an error of errors.ts. Nothing is sent twice unless that changes nothing. */
export interface Transport {
  /** The parsed answer. */
  json(request: ApiRequest): Promise<unknown>
  /** The answer as it comes, for watches; the deadline ends with its head. */
  stream(request: ApiRequest): Promise<IncomingMessage>
  /** Drops every connection; what is under way fails with Unavailable. */
  close(): void
}

export interface TransportOptions {
  readonly connection: Connection
  /** Names us in the audit log of the API server. */
  readonly userAgent?: string
  readonly deadlineMs?: number
  readonly bodyLimitBytes?: number
}

/** The API server ends a request of its own accord after 60 s (--request-timeout); waiting much less would only repeat its work. */
const DEADLINE_MS = 30_000
/** A page of 500 claims is 1.7 MB. */
const BODY_LIMIT_BYTES = 16 * 1024 * 1024
const AGENT_OPTIONS = {
  keepAlive: true,
  // With this a dead peer is found after about 40 s.
  keepAliveMsecs: 30_000,
  scheduling: 'lifo',
  // The API server closes idle connections after 90 s. We are first, or a request could meet a closing connection.
  timeout: 60_000,
} as const
const MAX_REQUEST_CONNECTIONS = 8

const deadlineOf = (deadlineMs: number, signal: AbortSignal | undefined) => {
  const controller = new AbortController()
  const timer = setTimeout(() => {
    controller.abort(new Error(`no answer within ${deadlineMs / 1000} s`))
  }, deadlineMs)
  const signals = signal === undefined ? [controller.signal] : [controller.signal, signal]
  return { signal: AbortSignal.any(signals), clear: () => clearTimeout(timer) }
}

const urlOf = (server: URL, request: ApiRequest): URL => {
  const url = new URL(server.pathname.replace(/\/$/, '') + request.path, server)
  for (const [name, value] of Object.entries(request.query ?? {})) url.searchParams.set(name, value)
  return url
}

const headersOf = (
  request: ApiRequest,
  body: string | undefined,
  fixed: { readonly userAgent: string; readonly authorization: string | undefined },
) => ({
  accept: request.accept ?? 'application/json',
  'user-agent': fixed.userAgent,
  ...(fixed.authorization === undefined ? {} : { authorization: fixed.authorization }),
  ...(body === undefined
    ? {}
    : {
        'content-type': request.contentType ?? 'application/json',
        // Node sends the body of a DELETE without any length: the server then sees none, and deletes unconditionally.
        'content-length': Buffer.byteLength(body),
      }),
})

const parseStatus = (text: string): Status => {
  try {
    return JSON.parse(text) as Status
  } catch {
    // Proxies and the server's own load shedding answer in plain text.
    return { message: text.trim().slice(0, 300) }
  }
}

const throwIfRefused = async (request: ApiRequest, response: IncomingMessage, limitBytes: number) => {
  const code = response.statusCode ?? 0
  if (code >= 200 && code < 300) return
  const status = parseStatus(await readBody(response, limitBytes))
  throw errorOfStatus(request.object, code, status, response.headers['retry-after'])
}

export const createTransport = (options: TransportOptions): Transport => {
  const { connection, userAgent = 'loam', deadlineMs = DEADLINE_MS } = options
  const bodyLimitBytes = options.bodyLimitBytes ?? BODY_LIMIT_BYTES
  const Agent = connection.server.protocol === 'http:' ? HttpAgent : HttpsAgent
  const requestAgent = new Agent({ ...AGENT_OPTIONS, maxSockets: MAX_REQUEST_CONNECTIONS })
  // A watch holds its connection for minutes: in one pool, eight watches would leave none for requests.
  const watchAgent = new Agent(AGENT_OPTIONS)

  const attempt = async (request: ApiRequest, agent: HttpAgent, signal: AbortSignal) => {
    const { tls, authorization } = await connection.credentials()
    const body = request.body === undefined ? undefined : JSON.stringify(request.body)
    const headers = headersOf(request, body, { userAgent, authorization })
    // TLS options are part of the key of the agent's pools: a new CA or certificate never meets an old connection.
    const requestOptions = { ...tls, method: request.method, headers, agent, signal }
    return sendRequest(urlOf(connection.server, request), requestOptions, body)
  }

  const accepted = async (request: ApiRequest, agent: HttpAgent, signal: AbortSignal) => {
    const first = await attempt(request, agent, signal)
    if (first.statusCode !== 401) return first
    first.resume()
    connection.renew()
    return attempt(request, agent, signal)
  }

  const withDeadline = async <T>(request: ApiRequest, work: (signal: AbortSignal) => Promise<T>) => {
    const deadline = deadlineOf(deadlineMs, request.signal)
    try {
      return await work(deadline.signal)
    } catch (error) {
      if (error instanceof KubeError) throw error
      const cause: unknown = deadline.signal.aborted ? deadline.signal.reason : error
      const what = `no usable answer from the API server at ${connection.server.host}: ${describeHttpError(cause)}`
      throw new Unavailable(request.object, what, { cause })
    } finally {
      deadline.clear()
    }
  }

  return {
    json: (request) =>
      withDeadline(request, async (signal) => {
        const response = await accepted(request, requestAgent, signal)
        await throwIfRefused(request, response, bodyLimitBytes)
        return JSON.parse(await readBody(response, bodyLimitBytes)) as unknown
      }),
    stream: (request) =>
      withDeadline(request, async (signal) => {
        const response = await accepted(request, watchAgent, signal)
        await throwIfRefused(request, response, bodyLimitBytes)
        return response
      }),
    close: () => {
      requestAgent.destroy()
      watchAgent.destroy()
    },
  }
}
