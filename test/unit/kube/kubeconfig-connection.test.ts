import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { Unavailable } from '../../../kube/errors.ts'
import { kubeconfigConnection } from '../../../kube/kubeconfig-connection.ts'
import { failureOf } from '../../support/eventually.ts'

describe('connection from a kubeconfig', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'loam-kubeconfig-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  const write = async (user: object, currentContext = 'here'): Promise<string> => {
    const file = join(directory, 'config')
    const config = {
      clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443/prefix' } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
      'current-context': currentContext,
    }
    await writeFile(file, JSON.stringify(config))
    return file
  }

  it('takes the server and the token of its current context', async () => {
    const connection = await kubeconfigConnection(await write({ token: 'secret' }))
    expect(connection.server.href).to.equal('https://10.0.0.1:6443/prefix')
    expect((await connection.credentials()).authorization).to.equal('Bearer secret')
  })

  it('takes client certificates and passwords', async () => {
    const data = (text: string) => Buffer.from(text).toString('base64')
    const certificate = { 'client-certificate-data': data('cert'), 'client-key-data': data('key') }
    const user = { ...certificate, username: 'me', password: 'secret' }
    const { tls, authorization } = await (await kubeconfigConnection(await write(user))).credentials()
    expect([tls.cert, tls.key].map(String)).to.deep.equal(['cert', 'key'])
    expect(authorization).to.equal(`Basic ${data('me:secret')}`)
  })

  it('names the file that cannot be read, and the context that leads nowhere', async () => {
    const absent = join(directory, 'absent')
    const missing = await failureOf(kubeconfigConnection(absent), Unavailable)
    expect(missing.message).to.contain(`kubeconfig ${absent}: cannot be read`)
    const nowhere = await failureOf(kubeconfigConnection(await write({}, 'elsewhere')), Unavailable)
    expect(nowhere.message).to.contain('its current context "elsewhere" names no cluster')
  })
})
