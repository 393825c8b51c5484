import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps, type RequestOptions } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { execa } from 'execa'
import { silentLogger } from '../../../core/logger.ts'
import { readBody } from '../../../kube/http.ts'
import { createLogger } from '../../../process/log.ts'
import {
  startExtenderServer,
  UnprotectedHost,
  type ExtenderServer,
  type ExtenderServerOptions,
} from '../../../scheduler/extender-server.ts'
import type { ExtenderArgs, FilterResult } from '../../../scheduler/extender-wire.ts'
import { InvalidTlsFiles } from '../../../scheduler/tls-files.ts'
import { eventually, failureOf } from '../../support/eventually.ts'

const SCRIPT = join(import.meta.dirname, '../../../scripts/certificates')
const POD = { metadata: { namespace: 'shop', name: 'web', uid: 'u1' }, spec: {} }
const FIVE_MIB = 5 * 1024 * 1024

const bodyOf = (nodeNames: readonly string[]): string => JSON.stringify({ Pod: POD, NodeNames: nodeNames })

/** All nodes but the last. */
const filter = ({ nodeNames }: ExtenderArgs): FilterResult => ({
  NodeNames: nodeNames.slice(0, -1),
  FailedNodes: { [nodeNames.at(-1) ?? '']: 'has 0 bytes' },
  FailedAndUnresolvableNodes: {},
  Error: '',
})

interface Reply {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

describe('scheduler/extender-server', () => {
  let server: ExtenderServer
  let heard: unknown[]
  let lines: string[]
  const stops: (() => void)[] = []

  const start = async (options: Partial<ExtenderServerOptions> = {}): Promise<void> => {
    heard = []
    lines = []
    const stream = new PassThrough().on('data', (line: Buffer) => lines.push(line.toString()))
    server = await startExtenderServer({
      ...{ host: '127.0.0.1', port: 0, verbs: { filter: 'filter', prioritize: 'prioritize' } },
      answers: {
        filter,
        prioritize: ({ nodeNames }) => nodeNames.map((Host, index) => ({ Host, Score: index })),
      },
      log: createLogger('info', stream),
      onRequest: (verb, status, ms) => heard.push([verb, status, ms >= 0]),
      tls: undefined,
      ...options,
    })
  }
  const logged = (what: string) => eventually(what, () => lines.find((line) => line.includes(what)))
  afterEach(async () => {
    for (const stop of stops.splice(0)) stop()
    await server.close()
  })

  const ask = (body: string | undefined, options: RequestOptions = {}): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const request = options.ca === undefined ? requestHttp : requestHttps
      const fixed = { host: '127.0.0.1', port: server.port, path: '/filter', method: 'POST', agent: false }
      const sent = request({ ...fixed, ...options }, (response) => {
        const { statusCode: status = 0, headers } = response
        readBody(response, FIVE_MIB).then((text) => resolve({ status, headers, text }), reject)
      })
      sent.on('error', reject)
      sent.end(body)
    })
  const open = async (): Promise<Socket> => {
    const socket = connect(server.port, '127.0.0.1').setEncoding('utf8')
    stops.push(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  /** Everything that comes until the connection ends. */
  const rest = async (socket: Socket): Promise<string> => {
    let text = ''
    for await (const piece of socket) text += piece as string
    return text
  }

  describe('to a kube-scheduler', () => {
    beforeEach(() => start())

    it('answers with what was said of the nodes', async () => {
      const { status, headers, text } = await ask(bodyOf(['n1', 'n2']))
      expect([status, headers['content-type']]).to.deep.equal([200, 'application/json'])
      expect(headers['content-length']).to.equal(String(text.length))
      expect(JSON.parse(text)).to.deep.equal(
        filter({ pod: { ...POD, spec: { volumes: [] } }, nodeNames: ['n1', 'n2'] }),
      )
      const scores = await ask(bodyOf(['n1', 'n2']), { path: '/prioritize' })
      expect(JSON.parse(scores.text)).to.deep.equal([
        { Host: 'n1', Score: 0 },
        { Host: 'n2', Score: 1 },
      ])
      expect(heard).to.deep.equal([
        ['filter', 200, true],
        ['prioritize', 200, true],
      ])
    })

    it('takes 5,000 names', async () => {
      const names = Array.from({ length: 5000 }, (_, index) => `node-${index}.example.org`)
      const { NodeNames } = JSON.parse((await ask(bodyOf(names))).text) as FilterResult
      expect(NodeNames).to.deep.equal(names.slice(0, -1))
    })

    it('keeps the connection for longer than kube-scheduler does', async () => {
      const agent = new HttpAgent({ keepAlive: true })
      stops.push(() => agent.destroy())
      const { headers } = await ask(bodyOf(['n1']), { agent })
      expect(headers).to.include({ connection: 'keep-alive', 'keep-alive': 'timeout=120' })
    })

    it('tells people of the pod when whole nodes come in place of names', async () => {
      const wrong = JSON.stringify({ Pod: POD, Nodes: { items: [] }, NodeNames: null })
      const { status, text } = await ask(wrong)
      expect(status).to.equal(200)
      const { Error, NodeNames } = JSON.parse(text) as FilterResult
      expect(Error).to.contain('Pod "shop/web"').and.to.contain('nodeCacheCapable: true')
      expect(NodeNames).to.deep.equal([])
      const scores = await ask(wrong, { path: '/prioritize' })
      expect([scores.status, scores.text]).to.deep.equal([400, `${Error}\n`])
    })
  })

  describe('to anything else', () => {
    beforeEach(() => start())

    it('says what is wrong with a body', async () => {
      const { status, text } = await ask('{"Pod":')
      expect(status).to.equal(400)
      expect(text).to.contain('request of kube-scheduler: it is not JSON')
      expect(heard).to.deep.equal([['filter', 400, true]])
      await logged('it is not JSON')
    })

    it('takes POST only', async () => {
      const { status, headers, text } = await ask(undefined, { method: 'GET' })
      expect([status, headers.allow, text]).to.deep.equal([405, 'POST', '"GET": allowed is POST\n'])
    })

    it('knows its two paths only, and does not fill the log with those who try others', async () => {
      for (const path of ['/', '/filter/', '/filter?x', '/x/filter', '/constructor']) {
        const { status, text } = await ask(bodyOf([]), { path })
        expect([status, text]).to.deep.equal([404, 'known are /filter, /prioritize\n'])
      }
      expect(heard[0]).to.deep.equal(['unknown', 404, true])
      expect(lines.filter((line) => line.includes('request was refused'))).to.have.length(1)
    })

    it('unpacks nothing', async () => {
      const { status, text } = await ask('x', { headers: { 'content-encoding': 'gzip' } })
      expect([status, text]).to.deep.equal([415, 'content-encoding "gzip": allowed is none\n'])
    })

    it('refuses a body that is too long before it comes', async () => {
      const socket = await open()
      socket.write(`POST /filter HTTP/1.1\r\nhost: x\r\ncontent-length: ${FIVE_MIB}\r\n\r\n`)
      const [text] = (await once(socket, 'data')) as [string]
      expect(text)
        .to.match(/^HTTP\/1\.1 413 /)
        .and.to.contain('nodeCacheCapable: true')
    })

    it('refuses a body whose length shows on the way, and reads the next request', async () => {
      const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 })
      stops.push(() => agent.destroy())
      const chunked = { agent, headers: { 'transfer-encoding': 'chunked' } }
      const { status, text } = await ask('x'.repeat(FIVE_MIB), chunked)
      expect([status, text]).to.satisfy(() => status === 413 && text.includes('nodeCacheCapable: true'))
      expect((await ask(bodyOf(['n1']), { agent })).status).to.equal(200)
    })

    it('says what our own mistake was, to both sides', async () => {
      await server.close()
      const fail = (): never => {
        throw new RangeError('no such thing')
      }
      await start({ answers: { filter: fail, prioritize: fail } })
      const { status, text } = await ask(bodyOf(['n1']))
      expect([status, text]).to.deep.equal([500, 'no such thing\n'])
      expect(await logged('request of kube-scheduler failed'))
        .to.contain('"error"')
        .and.to.contain('RangeError')
    })
  })

  describe('in bounded time', () => {
    beforeEach(() => start({ timeoutMs: 50 }))

    it('ends a connection that sends nothing', async () => {
      expect(await rest(await open())).to.match(/^HTTP\/1\.1 408 /)
    })

    it('ends a request whose body never comes', async () => {
      const socket = await open()
      socket.write('POST /filter HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{')
      expect(await rest(socket)).to.match(/^HTTP\/1\.1 408 /)
      await logged('request has no answer')
      expect(heard).to.deep.equal([])
    })

    it('ends a request whose body comes byte by byte', async () => {
      const socket = await open()
      socket.write('POST /filter HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n')
      const drip = setInterval(() => socket.write('x'), 5)
      stops.push(() => clearInterval(drip))
      socket.on('error', () => undefined).resume()
      await eventually('the connection has ended', () => socket.destroyed)
    })

    it('ends a refused request whose body never ends', async () => {
      const socket = await open()
      socket.write('POST /filter HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n')
      const flood = setInterval(() => socket.write('x'.repeat(10_000)), 5)
      stops.push(() => clearInterval(flood))
      socket.on('error', () => undefined).resume()
      await eventually('the connection has ended', () => socket.destroyed)
      expect(heard).to.deep.equal([['filter', 413, true]])
    })

    it('closes though a request never ends', async () => {
      const socket = await open()
      socket.write('POST /filter HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n')
      const drip = setInterval(() => socket.write('x'), 5)
      stops.push(() => clearInterval(drip))
      socket.on('error', () => undefined).resume()
      await server.close()
    })
  })

  describe('when it closes', () => {
    beforeEach(() => start())

    it('ends idle connections, and is not there any more', async () => {
      const agent = new HttpAgent({ keepAlive: true })
      stops.push(() => agent.destroy())
      await ask(bodyOf(['n1']), { agent })
      await server.close()
      await server.close()
      const { message } = await failureOf(ask(bodyOf(['n1'])), Error)
      expect(message).to.contain('ECONNREFUSED')
    })

    it('waits for a request that is on its way, and ends its connection', async () => {
      const body = bodyOf(['n1'])
      const socket = await open()
      socket.write(
        `POST /filter HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`,
      )
      // the server has the head
      await once(socket, 'data')
      const closed = server.close()
      socket.write(body)
      expect(await rest(socket)).to.match(/^HTTP\/1\.1 200 [^]*connection: close[^]*"n1"/i)
      await closed
    })
  })

  describe('at its start', () => {
    beforeEach(() => start())

    it('takes any loopback address without TLS', async () => {
      for (const host of ['127.1.2.3', 'localhost']) {
        await server.close()
        await start({ host })
      }
    })

    it('lets no other machine ask without TLS', async () => {
      for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.evil.example', '']) {
        const { message } = await failureOf(start({ host }), UnprotectedHost)
        expect(message).to.contain(`host is "${host}"`).and.to.contain('127.0.0.0/8, ::1 or localhost')
      }
    })

    it('says that its port is taken', async () => {
      const { message } = await failureOf(start({ port: server.port }), Error)
      expect(message).to.contain('EADDRINUSE')
    })
  })

  describe('with TLS', () => {
    let made: string
    let mounted: string
    before(async () => {
      made = await mkdtemp(join(tmpdir(), 'loam-extender-'))
      mounted = join(made, 'mounted')
      for (const name of ['ours', 'theirs']) await execa(SCRIPT, [join(made, name)])
      await cp(join(made, 'ours/client'), join(made, 'expired'), { recursive: true })
      const [key, request] = [join(made, 'expired/tls.key'), join(made, 'expired/request')]
      await execa('openssl', ['req', '-new', '-key', key, '-subj', '/CN=kube-scheduler', '-out', request])
      const signer = ['-CA', join(made, 'ours/ca.crt'), '-CAkey', join(made, 'ours/ca.key'), '-days', '-1']
      const out = join(made, 'expired/tls.crt')
      await execa('openssl', ['x509', '-req', '-in', request, ...signer, '-set_serial', '1', '-out', out])
    })
    after(async () => await rm(made, { recursive: true }))

    const mount = async (source: string): Promise<void> => {
      await symlink(source, `${mounted}.new`)
      await rename(`${mounted}.new`, mounted)
    }
    beforeEach(async () => {
      await mount('ours/server')
      await start({ host: '0.0.0.0', tls: { directory: mounted, rereadMs: 5 } })
    })

    const file = (name: string): Promise<string> => readFile(join(made, name), 'utf8')
    const authority = () => file('ours/ca.crt')
    const shown = async (directory: string): Promise<RequestOptions> => ({
      ca: await authority(),
      cert: await file(`${directory}/tls.crt`),
      key: await file(`${directory}/tls.key`),
    })
    /** Of the certificate that a new connection is shown. */
    const serialShown = async (): Promise<string> => {
      const agent = new HttpsAgent({ keepAlive: true })
      try {
        const socket = await connected(agent)
        return socket.getPeerCertificate().serialNumber
      } finally {
        agent.destroy()
      }
    }
    const connected = async (agent: HttpsAgent): Promise<TLSSocket> => {
      await ask(bodyOf(['n1']), { ...(await shown('ours/client')), agent })
      const [socket] = Object.values(agent.freeSockets).flat()
      return socket as TLSSocket
    }
    const serialOf = async (name: string) => new X509Certificate(await file(name)).serialNumber

    it('answers a client of the authority', async () => {
      const { status } = await ask(bodyOf(['n1']), await shown('ours/client'))
      expect(status).to.equal(200)
    })

    const STRANGERS: Readonly<Record<string, readonly [directory: string, logged: string]>> = {
      'a client of another authority': ['theirs/client', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      'a client whose certificate has expired': ['expired', 'CERT_HAS_EXPIRED'],
      'a server that shows its certificate as a client': ['ours/server', 'INVALID_PURPOSE'],
    }
    for (const [who, [directory, why]] of Object.entries(STRANGERS))
      it(`refuses ${who}, and says so in the log`, async () => {
        for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
          await failureOf(ask(bodyOf(['n1']), { ...(await shown(directory)), maxVersion }), Error)
        await logged(why)
        expect(heard).to.deep.equal([])
      })

    it('refuses a client without a certificate, also after new files', async () => {
      const attempt = async () => failureOf(ask(bodyOf(['n1']), { ca: await authority() }), Error)
      await attempt()
      await logged('PEER_DID_NOT_RETURN_A_CERTIFICATE')
      await execa(SCRIPT, [join(made, 'ours')])
      await logged('new TLS files are in use')
      await attempt()
      expect(heard).to.deep.equal([])
    })

    it('refuses a client that does not speak TLS, or an old one', async () => {
      await failureOf(ask(bodyOf(['n1'])), Error)
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
      const { message } = await failureOf(ask('', { ...(await shown('ours/client')), ...old }), Error)
      expect(message).to.contain('protocol version')
      expect(heard).to.deep.equal([])
    })

    it('is not believed by a client of another authority', async () => {
      const options = { ...(await shown('ours/client')), ca: await file('theirs/ca.crt') }
      const { message } = await failureOf(ask(bodyOf(['n1']), options), Error)
      expect(message).to.contain('self-signed certificate')
    })

    it('shows a new certificate to new connections, and goes on with those that exist', async () => {
      const agent = new HttpsAgent({ keepAlive: true, maxSockets: 1 })
      stops.push(() => agent.destroy())
      const socket = await connected(agent)
      await cp(join(made, 'ours/server'), join(made, 'before'), { recursive: true })
      await mount('before')
      await execa(SCRIPT, [join(made, 'ours')])
      await mount('ours/server')
      const serial = await serialOf('ours/server/tls.crt')
      await eventually('the new certificate is shown', async () => (await serialShown()) === serial)
      expect(await connected(agent)).to.equal(socket)
      expect(socket.getPeerCertificate().serialNumber).to.equal(await serialOf('before/tls.crt'))
    })

    it('believes another authority when it is given one, and the one before no more', async () => {
      await mount('theirs/server')
      await logged('new TLS files are in use')
      const theirs = { ...(await shown('theirs/client')), ca: await file('theirs/ca.crt') }
      expect((await ask(bodyOf(['n1']), theirs)).status).to.equal(200)
      await failureOf(ask(bodyOf(['n1']), { ...(await shown('ours/client')), ca: theirs.ca }), Error)
      await logged('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    })

    it('stays with what it has when new files are not good', async () => {
      await cp(join(made, 'ours/server'), join(made, 'mixed'), { recursive: true })
      await writeFile(join(made, 'mixed/tls.key'), await file('ours/client/tls.key'))
      await mount('mixed')
      await logged('it does not belong to tls.crt')
      expect(await serialShown()).to.equal(await serialOf('ours/server/tls.crt'))
      expect(server.problem()).to.equal(undefined)
    })

    it('tells when its certificate expires', async () => {
      const { validToDate } = new X509Certificate(await file('ours/server/tls.crt'))
      expect(server.certificateExpiresAtMs()).to.equal(validToDate.getTime())
    })

    it('ends a handshake that does not begin', async () => {
      await server.close()
      await start({ tls: { directory: mounted, rereadMs: 1000 }, timeoutMs: 50 })
      expect(await rest(await open())).to.equal('')
    })

    it('does not start without files', async () => {
      const tls = { directory: join(made, 'nothing'), rereadMs: 1000 }
      const { message } = await failureOf(start({ tls, log: silentLogger }), InvalidTlsFiles)
      expect(message).to.contain(`file "${made}/nothing/tls.`)
    })
  })
})
