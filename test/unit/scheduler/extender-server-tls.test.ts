import { X509Certificate } from 'node:crypto'
import { cp, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { Agent as HttpsAgent, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { execa } from 'execa'
import { silentLogger } from '../../../core/logger.ts'
import { InvalidTlsFiles } from '../../../scheduler/tls-files.ts'
import { eventually, failureOf } from '../../support/eventually.ts'
import { bodyOf, rest, ServerUnderTest } from './server-under-test.ts'

const SCRIPT = join(import.meta.dirname, '../../../scripts/certificates')

describe('scheduler/extender-server with TLS', () => {
  const tested = new ServerUnderTest()
  afterEach(() => tested.close())

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
    await tested.start({ host: '0.0.0.0', tls: { directory: mounted, rereadMs: 5 } })
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
    await tested.ask(bodyOf(['n1']), { ...(await shown('ours/client')), agent })
    const [socket] = Object.values(agent.freeSockets).flat()
    return socket as TLSSocket
  }
  const serialOf = async (name: string) => new X509Certificate(await file(name)).serialNumber

  it('answers a client of the authority', async () => {
    const { status } = await tested.ask(bodyOf(['n1']), await shown('ours/client'))
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
        await failureOf(tested.ask(bodyOf(['n1']), { ...(await shown(directory)), maxVersion }), Error)
      await tested.logged(why)
      expect(tested.heard).to.deep.equal([])
    })

  it('refuses a client without a certificate, also after new files', async () => {
    const attempt = async () => failureOf(tested.ask(bodyOf(['n1']), { ca: await authority() }), Error)
    await attempt()
    await tested.logged('PEER_DID_NOT_RETURN_A_CERTIFICATE')
    await execa(SCRIPT, [join(made, 'ours')])
    await tested.logged('new TLS files are in use')
    await attempt()
    expect(tested.heard).to.deep.equal([])
  })

  it('refuses a client that does not speak TLS, or an old one', async () => {
    await failureOf(tested.ask(bodyOf(['n1'])), Error)
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    const { message } = await failureOf(tested.ask('', { ...(await shown('ours/client')), ...old }), Error)
    expect(message).to.contain('protocol version')
    expect(tested.heard).to.deep.equal([])
  })

  it('is not believed by a client of another authority', async () => {
    const options = { ...(await shown('ours/client')), ca: await file('theirs/ca.crt') }
    const { message } = await failureOf(tested.ask(bodyOf(['n1']), options), Error)
    expect(message).to.contain('self-signed certificate')
  })

  it('shows a new certificate to new connections, and goes on with those that exist', async () => {
    const agent = new HttpsAgent({ keepAlive: true, maxSockets: 1 })
    tested.stops.push(() => agent.destroy())
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
    await tested.logged('new TLS files are in use')
    const theirs = { ...(await shown('theirs/client')), ca: await file('theirs/ca.crt') }
    expect((await tested.ask(bodyOf(['n1']), theirs)).status).to.equal(200)
    await failureOf(tested.ask(bodyOf(['n1']), { ...(await shown('ours/client')), ca: theirs.ca }), Error)
    await tested.logged('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  })

  it('stays with what it has when new files are not good', async () => {
    await cp(join(made, 'ours/server'), join(made, 'mixed'), { recursive: true })
    await writeFile(join(made, 'mixed/tls.key'), await file('ours/client/tls.key'))
    await mount('mixed')
    await tested.logged('it does not belong to tls.crt')
    expect(await serialShown()).to.equal(await serialOf('ours/server/tls.crt'))
    expect(tested.server.problem()).to.equal(undefined)
  })

  it('tells when its certificate expires', async () => {
    const { validToDate } = new X509Certificate(await file('ours/server/tls.crt'))
    expect(tested.server.certificateExpiresAtMs()).to.equal(validToDate.getTime())
  })

  it('ends a handshake that does not begin', async () => {
    await tested.server.close()
    await tested.start({ tls: { directory: mounted, rereadMs: 1000 }, timeoutMs: 50 })
    expect(await rest(await tested.open())).to.equal('')
  })

  it('does not start without files', async () => {
    const tls = { directory: join(made, 'nothing'), rereadMs: 1000 }
    const { message } = await failureOf(tested.start({ tls, log: silentLogger }), InvalidTlsFiles)
    expect(message).to.contain(`file "${made}/nothing/tls.`)
  })
})
