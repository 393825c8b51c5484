import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { createKubeClient } from '../../../kube/client.ts'
import { Forbidden, Unauthorized, Unavailable } from '../../../kube/errors.ts'
import { inClusterConnection } from '../../../kube/in-cluster.ts'
import { NAMESPACES, NODES } from '../../../kube/resources.ts'
import { createTransport, type Transport } from '../../../kube/transport.ts'
import type { KubeClient, KubeObject, ResourceType } from '../../../kube/types.ts'
import { failureOf } from '../../support/eventually.ts'
import { useApiServer } from './fixture.ts'

const rbac = (kind: string, plural: string): ResourceType => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  plural,
  kind,
  namespaced: false,
})
const SERVICE_ACCOUNTS: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
}

describe('connection of a pod against a real API server', function () {
  this.timeout(30_000)
  const api = useApiServer()
  let directory: string
  let token: string
  let transport: Transport
  let client: KubeClient

  /** What kubelet mounts into a pod, with any token. */
  const write = (text: string) => writeFile(join(directory, 'token'), text)

  before(async () => {
    const name = 'agent'
    await api.client.create(SERVICE_ACCOUNTS, { metadata: { namespace: 'default', name } })
    const role: KubeObject & { rules: unknown } = {
      metadata: { name },
      rules: [{ apiGroups: [''], resources: ['namespaces'], verbs: ['get'] }],
    }
    await api.client.create(rbac('ClusterRole', 'clusterroles'), role)
    const binding: KubeObject & { roleRef: unknown; subjects: unknown } = {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', namespace: 'default', name }],
    }
    await api.client.create(rbac('ClusterRoleBinding', 'clusterrolebindings'), binding)
    const answer = await api.transport.json({
      method: 'POST',
      path: `/api/v1/namespaces/default/serviceaccounts/${name}/token`,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 600 },
      },
      object: 'token',
    })
    token = (answer as { status: { token: string } }).status.token
  })

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'loam-service-account-'))
    await copyFile(join(api.server.directory, 'ca.crt'), join(directory, 'ca.crt'))
    const connection = inClusterConnection({
      host: '127.0.0.1',
      port: String(api.server.port),
      serviceAccountDirectory: directory,
    })
    transport = createTransport({ connection })
    client = createKubeClient(transport)
  })
  afterEach(async () => {
    transport.close()
    await rm(directory, { recursive: true })
  })

  const readNamespace = () => client.get(NAMESPACES, { name: 'default' })

  it('is let in with the token and CA that are mounted', async () => {
    await write(`${token}\n`)
    expect(await readNamespace()).to.have.nested.property('metadata.name', 'default')
  })

  it('says what the service account may not do', async () => {
    await write(token)
    const error = await failureOf(client.get(NODES, { name: 'node1' }), Forbidden)
    expect(error.message).to.match(
      /^Node "node1": the API server answered 403: .*system:serviceaccount:default:agent/,
    )
  })

  it('reads the token again when it is refused, and sends the request once more', async () => {
    await write('no-longer-valid')
    await failureOf(readNamespace(), Unauthorized)
    await write(token)
    expect(await readNamespace()).to.not.equal(undefined)
  })

  it('lets 20 requests at once through when the token in memory has ended', async () => {
    await write('no-longer-valid')
    await failureOf(readNamespace(), Unauthorized)
    await write(token)
    const answers = await Promise.all(Array.from({ length: 20 }, readNamespace))
    expect(answers.every((answer) => answer !== undefined)).to.equal(true)
  })

  it('says which files are missing', async () => {
    const error = await failureOf(readNamespace(), Unavailable)
    expect(error.message).to.contain(`service account in ${directory}: cannot be read`)
    await write(token)
    expect(await readNamespace(), 'once it is there').to.not.equal(undefined)
  })

  it('does not talk to a server that another authority signed', async () => {
    await write(token)
    await copyFile(join(api.server.directory, 'server.crt'), join(directory, 'ca.crt'))
    await failureOf(readNamespace(), Unavailable)
  })
})
