// Serves the extender of a large cluster, or the floor: a handler that gives back the body that came. Says its port on standard
// output, and the bytes of its memory for each line on standard input.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { silentLogger } from '../../../core/logger.ts'
import { startExtenderServer } from '../../../scheduler/extender-server.ts'
import { largeCluster, type Size } from './cluster.ts'

const CHANGE_EVERY_MS = 20

const [kind = '', certificates = '', sizeText = ''] = process.argv.slice(2)
const size = JSON.parse(sizeText) as Size
const server = (name: string): string => join(certificates, 'server', name)

const echo = async (): Promise<number> => {
  const [cert, key, ca] = await Promise.all(
    ['tls.crt', 'tls.key', 'ca.crt'].map((name) => readFile(server(name))),
  )
  const listening = createServer(
    { cert, key, ca, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        const body = Buffer.concat(chunks)
        response
          .writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
          .end(body)
      })
    },
  ).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return (listening.address() as AddressInfo).port
}

const extender = async (): Promise<number> => {
  const { cluster, change } = largeCluster(size)
  setInterval(change, CHANGE_EVERY_MS)
  const { port } = await startExtenderServer({
    ...{ host: '127.0.0.1', port: 0, log: silentLogger, answers: cluster.extender },
    verbs: { filter: 'filter', prioritize: 'prioritize' },
    tls: { directory: join(certificates, 'server'), rereadMs: 60_000 },
  })
  return port
}

console.log(await (kind === 'echo' ? echo() : extender()))
createInterface(process.stdin)
  .on('line', () => console.log(process.memoryUsage.rss()))
  .on('close', () => process.exit())
