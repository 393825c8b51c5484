import { expect } from 'chai'
import { Forbidden, Rejected, TooManyRequests, Unauthorized, Unavailable } from '../../../kube/errors.ts'
import { readBody } from '../../../kube/http.ts'
import { failureOf } from '../../support/eventually.ts'
import { json, reset, silence, startFaultServer, stream, text, type FaultServer } from './fault-server.ts'

describe('transport', () => {
  let server: FaultServer | undefined
  afterEach(() => server?.stop())

  const start = async (
    answer: Parameters<typeof startFaultServer>[0],
    options?: Parameters<typeof startFaultServer>[1],
  ): Promise<FaultServer> => {
    server = await startFaultServer(answer, options)
    return server
  }
  const read = ({ transport }: FaultServer) =>
    transport.json({ method: 'GET', path: '/x', object: 'Node "a"' })
  const write = ({ transport }: FaultServer) =>
    transport.json({ method: 'POST', path: '/x', body: {}, object: 'Node "a"' })

  it('gives up after its deadline, and says so', async () => {
    const error = await failureOf(read(await start(() => silence, { deadlineMs: 50 })), Unavailable)
    expect(error.message).to.match(/^Node "a": no usable answer .*: no answer within 0.05 s$/)
  })

  it('gives up in the middle of a body too', async () => {
    const answer = () => stream(['{"a":'], 'open')
    const error = await failureOf(read(await start(answer, { deadlineMs: 50 })), Unavailable)
    expect(error.message).to.contain('no answer within 0.05 s')
  })

  it('reads no more than its limit', async () => {
    const answer = () => json(200, { text: 'x'.repeat(2000) })
    const error = await failureOf(read(await start(answer, { bodyLimitBytes: 1000 })), Unavailable)
    expect(error.message).to.contain('longer than 1000 bytes')
  })

  it('does not take a broken-off answer for a whole one', async () => {
    await failureOf(read(await start(() => stream(['{"items":['], 'reset'))), Unavailable)
    server?.stop()
    await failureOf(read(await start(() => stream(['{"items":['], 'end'))), Unavailable)
  })

  it('sends a read again when the connection had been closed while idle', async () => {
    const started = await start((_url, count) => (count === 2 ? reset : json(200, { count })))
    await read(started)
    expect(await read(started)).to.deep.equal({ count: 3 })
  })

  it('never sends a write again when its answer was lost', async () => {
    const started = await start((_url, count) => (count === 2 ? reset : json(200, { count })))
    await read(started)
    await failureOf(write(started), Unavailable)
    expect(started.requests).to.have.length(2)
  })

  it('passes on how long the server asks to wait, from the header as from the body', async () => {
    const shed = await start(() =>
      text(429, 'Too many requests, please try again later.', { 'retry-after': '7' }),
    )
    const error = await failureOf(read(shed), TooManyRequests)
    expect(error).to.include({ status: 429, retryAfterMs: 7000 })
    expect(error.message).to.contain('Too many requests, please try again later.')
    shed.stop()
    const busy = await start(() => json(500, { message: 'busy', details: { retryAfterSeconds: 3 } }))
    expect((await failureOf(read(busy), Unavailable)).retryAfterMs).to.equal(3000)
  })

  it('takes a 404 that is not the API server’s own for a refusal, never for absence', async () => {
    await failureOf(read(await start(() => text(404, '<html>no such backend</html>'))), Rejected)
  })

  it('quotes the server’s reason', async () => {
    const answer = () =>
      json(403, { reason: 'Forbidden', message: 'nodes "a" is forbidden: node2 is not node1' })
    const error = await failureOf(read(await start(answer)), Forbidden)
    expect(error.message).to.contain('nodes "a" is forbidden: node2 is not node1')
    expect(error.advice).to.contain('admission policies')
  })

  it('sends the preconditions of a DELETE so that the server reads them', async () => {
    const bodies: string[] = []
    const started = await start(() => (response, request) => {
      void readBody(request, 1000).then((body) => {
        bodies.push(body)
        json(200, {})(response, request)
      })
    })
    const body = { preconditions: { uid: 'größe' } }
    await started.transport.json({ method: 'DELETE', path: '/x', body, object: 'Node "a"' })
    expect(bodies).to.deep.equal([JSON.stringify(body)])
  })

  it('asks for fresh credentials once, then reports the refusal', async () => {
    const started = await start(() => text(401, 'who?'))
    await failureOf(read(started), Unauthorized)
    expect(started.requests).to.have.length(2)
    expect(started.renewals()).to.equal(1)
  })

  it('abandons a request when its caller does', async () => {
    const stopping = new AbortController()
    const { transport } = await start(() => silence)
    const request = transport.json({ method: 'GET', path: '/x', object: 'x', signal: stopping.signal })
    stopping.abort(new Error('shutting down'))
    expect((await failureOf(request, Unavailable)).message).to.contain('shutting down')
  })
})
