import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { messageOf } from '../core/errors.ts'
import type { Metrics } from './metrics.ts'

/** One thing that must be so. Gives what is wrong, or undefined. */
export type Check = () => string | undefined

export interface Checks {
  /** The process is stuck beyond repair when one of these fails: kubelet restarts it. */
  readonly live: Readonly<Record<string, Check>>
  /** The node can serve volumes when none of these fails. */
  readonly ready: Readonly<Record<string, Check>>
}

const faultsOf = (checks: Readonly<Record<string, Check>>): string[] =>
  Object.entries(checks).flatMap(([name, check]) => {
    const fault = check()
    return fault === undefined ? [] : [`${name}: ${fault}`]
  })

/** An answer to a request, as it goes out. */
interface Answer {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

const PLAIN = 'text/plain'

const told = (checks: Readonly<Record<string, Check>>): Answer => {
  const faults = faultsOf(checks)
  return faults.length === 0
    ? { status: 200, contentType: PLAIN, text: 'ok\n' }
    : { status: 503, contentType: PLAIN, text: `${faults.join('\n')}\n` }
}

/**
 * Answers `/livez` and `/readyz` with 200 "ok", or 503 and a line for each fault, and `/metrics` with the figures of the
 * process. Port 0 takes any free one.
 */
export const startHealthServer = async (
  port: number,
  checks: Checks,
  metrics: Pick<Metrics, 'contentType' | 'text'>,
): Promise<Server> => {
  const answers: Readonly<Record<string, () => Answer | Promise<Answer>>> = {
    '/livez': () => told(checks.live),
    '/readyz': () => told(checks.ready),
    '/metrics': async () => ({
      status: 200,
      contentType: metrics.contentType,
      text: await metrics.text(),
    }),
  }
  const answerTo = async (path: string): Promise<Answer> => {
    const answer = Object.hasOwn(answers, path) ? answers[path] : undefined
    if (answer !== undefined) return await answer()
    return { status: 404, contentType: PLAIN, text: `known are ${Object.keys(answers).join(', ')}\n` }
  }
  const server = createServer((request, response) => {
    const send = ({ status, contentType, text }: Answer): void =>
      void response.writeHead(status, { 'content-type': contentType }).end(text)
    answerTo(request.url ?? '').then(send, (error: unknown) =>
      send({ status: 500, contentType: PLAIN, text: `${messageOf(error)}\n` }),
    )
  })
  server.requestTimeout = 5000
  server.listen(port)
  await once(server, 'listening')
  return server
}
