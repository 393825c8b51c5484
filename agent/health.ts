import { createServer, type Server } from 'node:http'
import { once } from 'node:events'

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

/** Answers `/livez` and `/readyz` with 200 "ok", or 503 and a line for each fault. Port 0 takes any free one. */
export const startHealthServer = async (port: number, checks: Checks): Promise<Server> => {
  const answers: Record<string, Readonly<Record<string, Check>>> = {
    '/livez': checks.live,
    '/readyz': checks.ready,
  }
  const server = createServer((request, response) => {
    const wanted = Object.hasOwn(answers, request.url ?? '') ? answers[request.url ?? ''] : undefined
    if (wanted === undefined) return void response.writeHead(404).end('known are /livez and /readyz\n')
    const faults = faultsOf(wanted)
    response.writeHead(faults.length === 0 ? 200 : 503, { 'content-type': 'text/plain' })
    response.end(faults.length === 0 ? 'ok\n' : `${faults.join('\n')}\n`)
  })
  server.requestTimeout = 5000
  server.listen(port)
  await once(server, 'listening')
  return server
}
