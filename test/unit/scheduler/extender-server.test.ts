import { once } from 'node:events'
import { Agent as HttpAgent } from 'node:http'
import { expect } from 'chai'
import { UnprotectedHost } from '../../../scheduler/extender-server.ts'
import type { FilterResult } from '../../../scheduler/extender-wire.ts'
import { eventually, failureOf } from '../../support/eventually.ts'
import { bodyOf, FIVE_MIB, POD, rest, ServerUnderTest } from './server-under-test.ts'

describe('scheduler/extender-server', () => {
  const tested = new ServerUnderTest()
  afterEach(() => tested.close())

  describe('to a kube-scheduler', () => {
    beforeEach(() => tested.start())

    it('answers with what was said of the nodes', async () => {
      const { status, headers, text } = await tested.ask(bodyOf(['n1', 'n2']))
      expect([status, headers['content-type']]).to.deep.equal([200, 'application/json'])
      expect(headers['content-length']).to.equal(String(text.length))
      const result: FilterResult = {
        ...{
          NodeNames: ['n1'],
          FailedNodes: {},
          FailedAndUnresolvableNodes: { n2: 'has 0 bytes' },
          Error: '',
        },
      }
      expect(JSON.parse(text)).to.deep.equal(result)
      const scores = await tested.ask(bodyOf(['n1', 'n2']), { path: '/prioritize' })
      expect(JSON.parse(scores.text)).to.deep.equal([
        { Host: 'n1', Score: 0 },
        { Host: 'n2', Score: 1 },
      ])
      expect(tested.heard).to.deep.equal([
        ['filter', 200, true],
        ['prioritize', 200, true],
      ])
    })

    it('takes 5,000 names', async () => {
      const names = Array.from({ length: 5000 }, (_, index) => `node-${index}.example.org`)
      const { NodeNames } = JSON.parse((await tested.ask(bodyOf(names))).text) as FilterResult
      expect(NodeNames).to.deep.equal(names.slice(0, -1))
    })

    it('keeps the connection for longer than kube-scheduler does', async () => {
      const agent = new HttpAgent({ keepAlive: true })
      tested.stops.push(() => agent.destroy())
      const { headers } = await tested.ask(bodyOf(['n1']), { agent })
      expect(headers).to.include({ connection: 'keep-alive', 'keep-alive': 'timeout=120' })
    })

    it('tells people of the pod when whole nodes come in place of names', async () => {
      const wrong = JSON.stringify({ Pod: POD, Nodes: { items: [] }, NodeNames: null })
      const { status, text } = await tested.ask(wrong)
      expect(status).to.equal(200)
      const { Error, NodeNames } = JSON.parse(text) as FilterResult
      expect(Error).to.contain('Pod "shop/web"').and.to.contain('nodeCacheCapable: true')
      expect(NodeNames).to.deep.equal([])
      const scores = await tested.ask(wrong, { path: '/prioritize' })
      expect([scores.status, scores.text]).to.deep.equal([400, `${Error}\n`])
    })
  })

  describe('to anything else', () => {
    beforeEach(() => tested.start())

    it('says what is wrong with a body', async () => {
      const { status, text } = await tested.ask('{"Pod":')
      expect(status).to.equal(400)
      expect(text).to.contain('request of kube-scheduler: it is not JSON')
      expect(tested.heard).to.deep.equal([['filter', 400, true]])
      await tested.logged('it is not JSON')
    })

    it('takes POST only', async () => {
      const { status, headers, text } = await tested.ask(undefined, { method: 'GET' })
      expect([status, headers.allow, text]).to.deep.equal([405, 'POST', '"GET": allowed is POST\n'])
    })

    it('knows its two paths only, and does not fill the log with those who try others', async () => {
      for (const path of ['/', '/filter/', '/filter?x', '/x/filter', '/constructor']) {
        const { status, text } = await tested.ask(bodyOf([]), { path })
        expect([status, text]).to.deep.equal([404, 'known are /filter, /prioritize\n'])
      }
      expect(tested.heard[0]).to.deep.equal(['unknown', 404, true])
      expect(tested.lines.filter((line) => line.includes('request was refused'))).to.have.length(1)
    })

    it('unpacks nothing', async () => {
      const { status, text } = await tested.ask('x', { headers: { 'content-encoding': 'gzip' } })
      expect([status, text]).to.deep.equal([415, 'content-encoding "gzip": allowed is none\n'])
    })

    it('refuses a body that is too long before it comes', async () => {
      const socket = await tested.open()
      socket.write(`POST /filter HTTP/1.1\r\nhost: x\r\ncontent-length: ${FIVE_MIB}\r\n\r\n`)
      const [text] = (await once(socket, 'data')) as [string]
      expect(text)
        .to.match(/^HTTP\/1\.1 413 /)
        .and.to.contain('nodeCacheCapable: true')
    })

    it('refuses a body whose length shows on the way, and reads the next request', async () => {
      const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 })
      tested.stops.push(() => agent.destroy())
      const chunked = { agent, headers: { 'transfer-encoding': 'chunked' } }
      const { status, text } = await tested.ask('x'.repeat(FIVE_MIB), chunked)
      expect([status, text]).to.satisfy(() => status === 413 && text.includes('nodeCacheCapable: true'))
      expect((await tested.ask(bodyOf(['n1']), { agent })).status).to.equal(200)
    })

    it('says what our own mistake was, to both sides', async () => {
      await tested.server.close()
      const fail = (): never => {
        throw new RangeError('no such thing')
      }
      await tested.start({ answers: { filter: fail, prioritize: fail } })
      const { status, text } = await tested.ask(bodyOf(['n1']))
      expect([status, text]).to.deep.equal([500, 'no such thing\n'])
      expect(await tested.logged('request of kube-scheduler failed'))
        .to.contain('"error"')
        .and.to.contain('RangeError')
    })
  })

  describe('in bounded time', () => {
    beforeEach(() => tested.start({ timeoutMs: 50 }))

    it('ends a connection that sends nothing', async () => {
      expect(await rest(await tested.open())).to.match(/^HTTP\/1\.1 408 /)
    })

    it('ends a request whose body never comes', async () => {
      const socket = await tested.open()
      socket.write('POST /filter HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{')
      expect(await rest(socket)).to.match(/^HTTP\/1\.1 408 /)
      await tested.logged('request has no answer')
      expect(tested.heard).to.deep.equal([])
    })

    it('ends a request whose body comes byte by byte', async () => {
      const socket = await tested.open()
      socket.write('POST /filter HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n')
      const drip = setInterval(() => socket.write('x'), 5)
      tested.stops.push(() => clearInterval(drip))
      socket.on('error', () => undefined).resume()
      await eventually('the connection has ended', () => socket.destroyed)
    })

    it('ends a refused request whose body never ends', async () => {
      const socket = await tested.open()
      socket.write('POST /filter HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n')
      const flood = setInterval(() => socket.write('x'.repeat(10_000)), 5)
      tested.stops.push(() => clearInterval(flood))
      socket.on('error', () => undefined).resume()
      await eventually('the connection has ended', () => socket.destroyed)
      expect(tested.heard).to.deep.equal([['filter', 413, true]])
    })

    it('closes though a request never ends', async () => {
      const socket = await tested.open()
      socket.write('POST /filter HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n')
      const drip = setInterval(() => socket.write('x'), 5)
      tested.stops.push(() => clearInterval(drip))
      socket.on('error', () => undefined).resume()
      await tested.server.close()
    })
  })

  describe('when it closes', () => {
    beforeEach(() => tested.start())

    it('ends idle connections, and is not there any more', async () => {
      const agent = new HttpAgent({ keepAlive: true })
      tested.stops.push(() => agent.destroy())
      await tested.ask(bodyOf(['n1']), { agent })
      await tested.server.close()
      await tested.server.close()
      const { message } = await failureOf(tested.ask(bodyOf(['n1'])), Error)
      expect(message).to.contain('ECONNREFUSED')
    })

    it('waits for a request that is on its way, and ends its connection', async () => {
      const body = bodyOf(['n1'])
      const socket = await tested.open()
      socket.write(
        `POST /filter HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`,
      )
      // the server has the head
      await once(socket, 'data')
      const closed = tested.server.close()
      socket.write(body)
      expect(await rest(socket)).to.match(/^HTTP\/1\.1 200 [^]*connection: close[^]*"n1"/i)
      await closed
    })
  })

  describe('at its start', () => {
    beforeEach(() => tested.start())

    it('takes any loopback address without TLS', async () => {
      for (const host of ['127.1.2.3', 'localhost']) {
        await tested.server.close()
        await tested.start({ host })
      }
    })

    it('lets no other machine ask without TLS', async () => {
      for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.evil.example', '']) {
        const { message } = await failureOf(tested.start({ host }), UnprotectedHost)
        expect(message).to.contain(`host is "${host}"`).and.to.contain('127.0.0.0/8, ::1 or localhost')
      }
    })

    it('says that its port is taken', async () => {
      const { message } = await failureOf(tested.start({ port: tested.server.port }), Error)
      expect(message).to.contain('EADDRINUSE')
    })
  })
})
