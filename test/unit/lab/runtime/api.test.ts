import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createApiClient, type ApiClient } from '../../../lab/runtime/api.ts'

const ANSWERS: Readonly<Record<string, readonly [number, string]>> = {
  '/readyz': [200, 'ok'],
  '/api/v1/nodes': [200, '{"items":[{"metadata":{"name":"node1"}}]}'],
  '/filling': [200, '{"items":[]}'],
  '/broken': [500, 'etcd is gone'],
}

describe('API client of the lab', () => {
  let folder: string
  let server: Server
  let api: ApiClient
  let untilFilled = 1

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lab-'))
    server = createServer((request, response) => {
      if (request.url === '/filling' && untilFilled-- > 0) {
        response.writeHead(429).end('storage is (re)initializing')
        return
      }
      const [status, body] = ANSWERS[request.url ?? ''] ?? [404, 'no such path']
      response.writeHead(status).end(body)
    })
    const socket = join(folder, 'api.sock')
    await new Promise<void>((resolve) => server.listen(socket, resolve))
    api = createApiClient(socket)
  })
  after(async () => {
    server.close()
    await rm(folder, { recursive: true })
  })

  it('reads lists', async () => {
    expect((await api.list('/api/v1/nodes')).map(({ metadata }) => metadata.name)).to.deep.equal(['node1'])
  })

  it('tells what is not there from what is broken', async () => {
    expect(await api.find('/nothing')).to.equal(undefined)
    const message = await api.find('/broken').catch((error: unknown) => String(error))
    expect(message).to.contain('GET /broken').and.to.contain('500').and.to.contain('etcd is gone')
  })

  it('asks again when the server wishes to be asked later', async () => {
    expect(await api.list('/filling')).to.deep.equal([])
    expect(untilFilled).to.equal(-1)
  })

  it('is ready when the server says so, and not when nobody listens', async () => {
    expect(await api.isReady()).to.equal(true)
    expect(await createApiClient(join(folder, 'nobody.sock')).isReady()).to.equal(false)
  })
})
