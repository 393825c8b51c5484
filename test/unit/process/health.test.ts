import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { startHealthServer } from '../../../process/health.ts'
import { Metrics } from '../../../process/metrics.ts'

describe('process/health', () => {
  let server: Server
  let trouble: string | undefined
  let figure = 0
  const get = async (path: string): Promise<{ status: number; text: string }> => {
    const { port } = server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, text: await response.text() }
  }

  before(async () => {
    const metrics = new Metrics()
    metrics.add({ kind: 'gauge', name: 'loam_test', help: 'Of a test.', read: () => [{ value: figure }] })
    const ready = { stores: () => trouble, lvm: () => undefined }
    server = await startHealthServer(0, { live: {}, ready }, metrics)
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

  it('gives the figures of the process as they are when somebody asks', async () => {
    figure = 7
    const text = ['# HELP loam_test Of a test.', '# TYPE loam_test gauge', 'loam_test 7', ''].join('\n')
    expect(await get('/metrics')).to.deep.equal({ status: 200, text })
  })

  it('says what is wrong when the figures cannot be read', async () => {
    const broken = { contentType: 'text/plain', text: () => Promise.reject(new Error('no figures')) }
    const other = await startHealthServer(0, { live: {}, ready: {} }, broken)
    const { port } = other.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}/metrics`).finally(() => other.close())
    expect([response.status, await response.text()]).to.deep.equal([500, 'no figures\n'])
  })

  it('knows no other path', async () => {
    for (const path of ['/', '/constructor', '/livez/x']) expect((await get(path)).status).to.equal(404)
  })
})
