import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { startHealthServer } from '../../../agent/health.ts'

describe('agent/health', () => {
  let server: Server
  let trouble: string | undefined
  const get = async (path: string): Promise<{ status: number; text: string }> => {
    const { port } = server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, text: await response.text() }
  }

  before(async () => {
    server = await startHealthServer(0, { live: {}, ready: { stores: () => trouble, lvm: () => undefined } })
  })
  after(() => server.close())

  it('is alive and ready when no check has a complaint', async () => {
    trouble = undefined
    expect(await get('/livez')).to.deep.equal({ status: 200, text: 'ok\n' })
    expect(await get('/readyz')).to.deep.equal({ status: 200, text: 'ok\n' })
  })

  it('is not ready, and says why, when one has', async () => {
    trouble = 'claims: not listed yet'
    expect(await get('/readyz')).to.deep.equal({ status: 503, text: 'stores: claims: not listed yet\n' })
    expect((await get('/livez')).status).to.equal(200)
  })

  it('knows no other path', async () => {
    for (const path of ['/', '/metrics', '/constructor', '/livez/x'])
      expect((await get(path)).status).to.equal(404)
  })
})
