import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { isIPv4, type AddressInfo } from 'node:net'
import { LoamError } from '../core/errors.ts'
import type { LogFields, Logger } from '../core/logger.ts'
import { answerTo, routesOf, type Answer, type Answers, type Verb } from './extender-answers.ts'
import { followTlsFiles, loadTlsFiles, type TlsFiles } from './tls-files.ts'

export interface ExtenderServerOptions {
  /** Without `tls` a loopback address only. */
  readonly host: string
  /** 0 takes any free one. */
  readonly port: number
  /** As `filterVerb` and `prioritizeVerb` of KubeSchedulerConfiguration name them. */
  readonly verbs: Readonly<Record<Verb, string>>
  /** Where `tls.crt`, `tls.key` and `ca.crt` are, and how often they are looked at again. */
  readonly tls: { readonly directory: string; readonly rereadMs: number } | undefined
  readonly answers: Answers
  readonly log: Logger
  /** Heard once for each answer, with the time from the request's head on. `verb` is "unknown" with any other path. */
  readonly onRequest?: (verb: Verb | 'unknown', status: number, ms: number) => void
  /** For a handshake, for a request, and for a client that does not take its answer. */
  readonly timeoutMs?: number
}

export interface ExtenderServer {
  readonly port: number
  /** What makes kube-scheduler turn away; undefined when nothing is known. */
  problem(): string | undefined
  /** When the certificate in use expires, in milliseconds since 1970; undefined without TLS. */
  certificateExpiresAtMs(): number | undefined
  /** Ends idle connections, waits for what is being answered, and for no longer than a request may take. */
  close(): Promise<void>
}

/** Anybody who reaches the address would be answered. */
export class UnprotectedHost extends LoamError {
  override readonly reason = 'UnprotectedHost'
}

/** kube-scheduler itself waits so long (`httpTimeout` of an extender, by default). */
const TIMEOUT_MS = 5000
/**
 * Go ends idle connections after 90 s (net/http, DefaultTransport) and never sends a POST twice. We come later, or a
 * request could meet a closing connection, and the pod's attempt would fail.
 */
const KEEP_ALIVE_MS = 120_000
/** Each replica of kube-scheduler uses a few. */
const MAX_CONNECTIONS = 256
/** A refusal of one kind gets a line so often at most: anybody can be refused, as fast as he likes. */
const QUIET_MS = 60_000

/** A line for each kind of refusal at most so often. */
const createQuietLog = (log: Logger) => {
  const warnedAtMs = new Map<string, number>()
  return (message: string, kind: string, fields: LogFields): void => {
    const nowMs = performance.now()
    if (nowMs - (warnedAtMs.get(kind) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return
    warnedAtMs.set(kind, nowMs)
    log.warn(message, fields)
  }
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))

/** With `requestCert`: OpenSSL lets nobody in whose certificate is not for clients, not of `ca`, or expired. */
const secure = ({ cert, key, ca }: TlsFiles) =>
  ({ cert, key, ca, minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: true }) as const

/**
 * Starts the HTTP server of an extender of kube-scheduler (k8s.io/kube-scheduler/extender/v1): `POST /VERB` for two verbs.
 *
 * kube-scheduler takes any status but 200 for the failure of the pod's attempt and shows nothing of the text, so what
 * people of that pod should read goes into `Error` of a good answer, and the log has the rest. It can show a client
 * certificate and nothing else: with `tls` everybody with one of `ca.crt` may ask, whatever name it has. New files serve
 * new connections; those that exist go on, also when their authority is not in `ca.crt` any more.
 *
 * @throws UnprotectedHost when others than this machine would be answered without TLS
 * @throws InvalidTlsFiles when there is nothing to begin with
 * @throws Error of the system when the address cannot be had
 */
export const startExtenderServer = async (options: ExtenderServerOptions): Promise<ExtenderServer> => {
  const { host, port, tls, log, onRequest, timeoutMs = TIMEOUT_MS } = options
  if (tls === undefined && !isLoopback(host))
    throw new UnprotectedHost('extender server', `host is "${host}", and there is no tls.directory`, {
      advice:
        'without TLS, host may be 127.0.0.0/8, ::1 or localhost: name a directory with certificates for others',
    })
  const routes = routesOf(options.verbs, options.answers)
  const warnQuietly = createQuietLog(log)
  const stopping = new AbortController()

  const listener: RequestListener = (request, response) => {
    const startedAtMs = performance.now()
    const path = request.url ?? ''
    const route = routes.get(path)
    const send = ({ status, text, headers, error }: Answer): void => {
      const connection = stopping.signal.aborted ? { connection: 'close' } : {}
      const body = Buffer.from(text)
      response.writeHead(status, { ...headers, ...connection, 'content-length': body.length })
      response.end(body)
      onRequest?.(route?.verb ?? 'unknown', status, performance.now() - startedAtMs)
      if (error !== undefined) log.error('request of kube-scheduler failed', { path, error })
      else if (status !== 200)
        warnQuietly('request was refused', `${status}`, { path, status, text: text.trim() })
    }
    answerTo(request, route, [...routes.keys()])
      .then(send)
      .catch((error: unknown) => {
        response.destroy()
        warnQuietly('request has no answer', 'no answer', { path, error })
      })
  }

  const limits = {
    ...{ headersTimeout: timeoutMs, requestTimeout: timeoutMs, handshakeTimeout: timeoutMs },
    ...{ keepAliveTimeout: KEEP_ALIVE_MS, connectionsCheckingInterval: Math.ceil(timeoutMs / 5) },
  }
  const files = tls && (await loadTlsFiles(tls.directory))
  const tlsServer = files && createTlsServer({ ...limits, ...secure(files) }, listener)
  const server = tlsServer ?? createServer(limits, listener)
  server.maxConnections = MAX_CONNECTIONS
  // Silence of a client whose answer waits. One that has not sent all of its request hears 408 before.
  server.timeout = 2 * timeoutMs
  // A client whose certificate is not good gets no alert from Node, only the end: the log is where people find out.
  tlsServer?.on('tlsClientError', (error: NodeJS.ErrnoException, { authorizationError }) => {
    // a code like CERT_HAS_EXPIRED, or null, whatever its declaration says
    const why = (authorizationError as unknown as string | null) ?? error.code ?? error.message
    warnQuietly('TLS connection was refused', why, { why })
  })
  server.listen({ host, port })
  await once(server, 'listening')

  const follower =
    tls &&
    files &&
    followTlsFiles({
      ...{ directory: tls.directory, inUse: files, everyMs: tls.rereadMs, log, signal: stopping.signal },
      onChange: (changed) => tlsServer?.setSecureContext(secure(changed)),
    })
  const end = async (): Promise<void> => {
    stopping.abort()
    // with `close`, Node gives up its own limits
    const timer = setTimeout(() => server.closeAllConnections(), timeoutMs)
    server.close()
    await once(server, 'close')
    clearTimeout(timer)
  }
  let ended: Promise<void> | undefined
  return {
    port: (server.address() as AddressInfo).port,
    problem: () => follower?.problem(),
    certificateExpiresAtMs: () => follower?.expiresAtMs(),
    close: () => (ended ??= end()),
  }
}
