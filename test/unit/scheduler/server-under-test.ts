import { once } from 'node:events'
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps, type RequestOptions } from 'node:https'
import { connect, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { readBody } from '../../../kube/http.ts'
import { createLogger } from '../../../process/log.ts'
import {
  startExtenderServer,
  type ExtenderServer,
  type ExtenderServerOptions,
} from '../../../scheduler/extender-server.ts'
import type { ExtenderArgs, Filtered } from '../../../scheduler/extender-wire.ts'
import { eventually } from '../../support/eventually.ts'

export const POD = { metadata: { namespace: 'shop', name: 'web', uid: 'u1' }, spec: {} }
export const FIVE_MIB = 5 * 1024 * 1024

export const bodyOf = (nodeNames: readonly string[]): string =>
  JSON.stringify({ Pod: POD, NodeNames: nodeNames })

/** All nodes but the last. */
const filter = ({ nodeNames }: ExtenderArgs): Filtered => ({
  nodeNames: nodeNames.slice(0, -1),
  refused: new Map([['has 0 bytes', nodeNames.slice(-1)]]),
})

interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** Everything that comes until the connection ends. */
export const rest = async (socket: Socket): Promise<string> => {
  let text = ''
  for await (const piece of socket) text += piece as string
  return text
}

/** A server of the extender for each test of a suite, and ways to ask it. */
export class ServerUnderTest {
  /** What was told of each request. */
  heard: unknown[] = []
  /** Called after the test. */
  readonly stops: (() => void)[] = []
  #server: ExtenderServer | undefined
  #lines: string[] = []

  get server(): ExtenderServer {
    if (this.#server === undefined) throw new Error('the server has not been started')
    return this.#server
  }

  async start(options: Partial<ExtenderServerOptions> = {}): Promise<void> {
    this.heard = []
    this.#lines = []
    const lines = this.#lines
    const stream = new PassThrough().on('data', (line: Buffer) => lines.push(line.toString()))
    this.#server = await startExtenderServer({
      ...{ host: '127.0.0.1', port: 0, verbs: { filter: 'filter', prioritize: 'prioritize' } },
      answers: {
        filter,
        prioritize: ({ nodeNames }) => nodeNames.map((Host, index) => ({ Host, Score: index })),
      },
      log: createLogger('info', stream),
      onRequest: (verb, status, ms) => this.heard.push([verb, status, ms >= 0]),
      tls: undefined,
      ...options,
    })
  }

  /** Lines of the log. */
  get lines(): readonly string[] {
    return this.#lines
  }

  logged(what: string): Promise<string> {
    return eventually(what, () => this.#lines.find((line) => line.includes(what)))
  }

  ask(body: string | undefined, options: RequestOptions = {}): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const request = options.ca === undefined ? requestHttp : requestHttps
      const { port } = this.server
      const fixed = { host: '127.0.0.1', port, path: '/filter', method: 'POST', agent: false }
      const sent = request({ ...fixed, ...options }, (response) => {
        const { statusCode: status = 0, headers } = response
        readBody(response, FIVE_MIB).then((text) => resolve({ status, headers, text }), reject)
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }

  async open(): Promise<Socket> {
    const socket = connect(this.server.port, '127.0.0.1').setEncoding('utf8')
    this.stops.push(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }

  async close(): Promise<void> {
    for (const stop of this.stops.splice(0)) stop()
    await this.#server?.close()
  }
}
