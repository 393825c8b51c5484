import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTransport, type Transport, type TransportOptions } from '../../../kube/transport.ts'

type Answer = (response: ServerResponse, request: IncomingMessage) => void

export interface FaultServer {
  readonly transport: Transport
  /** Path and query of every request that came. */
  readonly requests: URL[]
  /** When each came, in ms. */
  readonly times: number[]
  /** How often fresh credentials were asked for. */
  renewals(): number
  stop(): void
}

/**
 * Answers what a real API server cannot be brought to answer on demand: silence, half lines, load shedding, resets.
 * What a real one does is tested against a real one, in test/cluster/kube.
 */
export const startFaultServer = async (
  answer: (url: URL, count: number) => Answer,
  options: Omit<TransportOptions, 'connection'> = {},
): Promise<FaultServer> => {
  const requests: URL[] = []
  const times: number[] = []
  let renewals = 0
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://fault-server')
    times.push(performance.now())
    answer(url, requests.push(url))(response, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const connection = {
    server: new URL(`http://127.0.0.1:${port}`),
    credentials: () => Promise.resolve({ tls: {} }),
    renew: () => {
      renewals += 1
    },
  }
  const transport = createTransport({ connection, ...options })
  const stop = (): void => {
    transport.close()
    server.closeAllConnections()
    server.close()
  }
  return { transport, requests, times, renewals: () => renewals, stop }
}

export const json =
  (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify(body))
  }

export const text =
  (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'text/plain', ...headers })
    response.end(body)
  }

/** Closes the connection without an answer. */
export const reset: Answer = (response) => response.socket?.resetAndDestroy()

/** Takes the request and says nothing. */
export const silence: Answer = () => undefined

/** The head of an answer and these pieces, then nothing, or the end. */
export const stream =
  (pieces: readonly (string | Buffer)[], end: 'open' | 'end' | 'reset'): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.flushHeaders()
    for (const piece of pieces) response.write(piece)
    // What was written must be on its way before the connection goes.
    if (end === 'reset') setTimeout(() => response.socket?.resetAndDestroy(), 20)
    if (end === 'end') response.end()
  }
