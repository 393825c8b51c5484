import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Connection } from '../../../kube/connection.ts'

export interface ProxiedRequest {
  readonly method: string
  readonly url: URL
  readonly watch: boolean
  readonly authorization: string | undefined
}

/** What a watch gives instead of one of its lines; `reset` kills the connection after the pieces. */
export interface EditedLine {
  readonly pieces: readonly (string | Buffer)[]
  readonly reset?: boolean
}

/** Called with each line of a watch, its newline included. Made anew for each watch. */
export type LineEditor = (line: Buffer) => EditedLine

/**
 * What happens to one request:
 * - hold: it reaches the server only after `until`;
 * - drop: its connection dies before the server saw it;
 * - lose: the server did it, and the connection dies before the answer;
 * - truncate: the head of the answer and the first half of its body come, then the connection dies;
 * - twice: the server gets it twice, one after the other, and the second answer comes back;
 * - answer: the server never sees it, and this comes back;
 * - lines: a watch, line by line through an editor.
 */
export type Fault =
  | { readonly kind: 'hold'; readonly until: Promise<unknown> }
  | { readonly kind: 'drop' | 'lose' | 'truncate' | 'twice' }
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly body: object
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly kind: 'lines'; readonly edit: LineEditor }

/** `body` is what came with the request. */
export type FaultRule = (request: ProxiedRequest, body: Buffer) => Fault | undefined

export interface FaultyProxy {
  readonly server: URL
  /** Every request that came, answered or not. */
  readonly requests: readonly ProxiedRequest[]
  /** Decides on each request from now on; undefined passes all on. */
  rule: FaultRule | undefined
  /** Kills the connections of all watches. */
  breakWatches(): void
  stop(): void
}

/** The body of a refusal, as the API server writes it. */
export const statusBody = (code: number, reason: string, message: string): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  code,
  reason,
  message,
})

/** Headers that speak of one connection only (RFC 9110, 7.6.1), and the host. */
const OF_CONNECTION: ReadonlySet<string> = new Set(['connection', 'transfer-encoding', 'host'])

const forwarded = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_CONNECTION.has(name)))

const bytesOf = async (stream: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** What was written is on its way to the client before the connection goes. */
const resetAfter = (response: ServerResponse, piece: Buffer): Promise<void> =>
  new Promise((resolve) => {
    response.write(piece, () => {
      response.socket?.destroySoon()
      resolve()
    })
  })

const editLines = async (answer: IncomingMessage, response: ServerResponse, edit: LineEditor) => {
  let rest = Buffer.alloc(0)
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      const { pieces, reset = false } = edit(rest.subarray(0, end + 1))
      rest = rest.subarray(end + 1)
      const bytes = Buffer.concat(pieces.map((piece) => Buffer.from(piece)))
      if (reset) {
        await resetAfter(response, bytes)
        return
      }
      response.write(bytes)
    }
  }
  response.end()
}

/** Answers of which the client gets all, half or nothing. */
const passOn = async (answer: IncomingMessage, response: ServerResponse, fault: Fault | undefined) => {
  if (fault?.kind === 'lose') {
    await bytesOf(answer)
    response.socket?.resetAndDestroy()
    return
  }
  response.writeHead(answer.statusCode ?? 502, forwarded(answer.headers))
  response.flushHeaders()
  if (fault?.kind === 'lines') await editLines(answer, response, fault.edit)
  else if (fault?.kind === 'truncate') {
    const body = await bytesOf(answer)
    await resetAfter(response, body.subarray(0, body.length / 2))
  } else answer.pipe(response)
}

/**
 * A reverse proxy in front of a real API server that does to each request what the test's rule says. It speaks plain
 * HTTP on loopback; to the server it is `upstream`, unless the client brings a token of its own.
 */
export const startFaultyProxy = async (upstream: Connection): Promise<FaultyProxy> => {
  const agent: Agent = new HttpsAgent({ keepAlive: true })
  const requests: ProxiedRequest[] = []
  const watches = new Set<ServerResponse>()

  const forward = async (request: IncomingMessage, body: Buffer, gone: AbortSignal) => {
    const { tls } = await upstream.credentials()
    const identity = request.headers.authorization === undefined ? tls : { ca: tls.ca }
    const headers = { ...forwarded(request.headers), 'content-length': String(body.length) }
    return new Promise<IncomingMessage>((resolve, reject) => {
      requestHttps(
        new URL(request.url ?? '', upstream.server),
        { ...identity, method: request.method, headers, agent, signal: gone },
        resolve,
      )
        .on('error', reject)
        .end(body)
    })
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', upstream.server)
    const { authorization } = request.headers
    const watch = url.searchParams.has('watch')
    const proxied = { method: request.method ?? '', url, watch, authorization }
    requests.push(proxied)
    const gone = new AbortController()
    response.on('close', () => {
      watches.delete(response)
      gone.abort()
    })
    if (proxied.watch) watches.add(response)
    const body = await bytesOf(request)
    const fault = proxy.rule?.(proxied, body)
    if (fault?.kind === 'drop') {
      response.socket?.resetAndDestroy()
      return
    }
    if (fault?.kind === 'answer') {
      response.writeHead(fault.status, { 'content-type': 'application/json', ...fault.headers })
      response.end(JSON.stringify(fault.body))
      return
    }
    if (fault?.kind === 'hold') await fault.until
    if (fault?.kind === 'twice') await bytesOf(await forward(request, body, gone.signal))
    await passOn(await forward(request, body, gone.signal), response, fault)
  }

  const server = createServer((request, response) => {
    // The server's or the client's connection broke: what is left to do is to break the other.
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const proxy: FaultyProxy = {
    server: new URL(`http://127.0.0.1:${port}`),
    requests,
    rule: undefined,
    breakWatches: () => {
      for (const response of watches) response.destroy()
    },
    stop: () => {
      server.closeAllConnections()
      server.close()
      agent.destroy()
    },
  }
  return proxy
}
