import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readBody, sendRequest } from '../../../kube/http.ts'
import { PODS } from '../../../kube/resources.ts'
import { createTransport, type Transport } from '../../../kube/transport.ts'
import { eventually } from '../../support/eventually.ts'
import { readManifests, type Manifest } from '../../support/manifests.ts'
import { useApiServer, type Fixture } from '../kube/fixture.ts'
import { createAll, install, podOf, requestToken, SERVICE_ACCOUNTS } from './install.ts'
import { NAMESPACE } from './objects.ts'

/** The node whose token is used, and another one. */
export const OURS = 'node1'
export const THEIRS = 'node2'

/** A request as it goes over the wire; `query` and `headers` beside what is always there. */
export interface RawRequest {
  readonly method: string
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly contentType?: string
  readonly body?: unknown
}

export interface Answer {
  readonly code: number
  readonly message: string
}

/** Sends as the bearer of one token. */
type Send = (request: RawRequest) => Promise<Answer>

export interface Bearer {
  readonly token: string
  readonly send: Send
}

/** Loam's manifests on a real API server, two Nodes with an agent's pod each, and tokens of the service account. */
export interface Installed {
  readonly api: Fixture
  /** Bound to the agent's pod on OURS, as kubelet gets it. */
  readonly bound: Bearer
  /** The agent's service account, bound to no pod. */
  readonly unbound: Bearer
  /** Another service account of the same namespace, bound to the same pod's node. */
  readonly stranger: Bearer
  /** A transport with the token that is bound to OURS. */
  readonly transport: Transport
  /** A transport with the token of the scheduler process, where that is installed. */
  readonly scheduler: Transport
  /** The same token, for single requests. */
  readonly schedulerBearer: Bearer
}

interface Extent {
  /** Controllers of kube-controller-manager that run, too. */
  readonly controllers?: readonly string[]
  /** Whether the rights and policies of the scheduler process are there. */
  readonly hasScheduler?: boolean
}

const SCHEDULER_MANIFESTS = ['daemonset/scheduler/rbac.yaml', 'daemonset/scheduler/policy.yaml']

const messageIn = (text: string): string => {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? ''
  } catch {
    return text.slice(0, 300)
  }
}

const bearerOf = (server: URL, ca: string, token: string): Bearer => ({
  token,
  send: async ({ method, path, query = {}, headers = {}, contentType = 'application/json', body }) => {
    const url = new URL(path, server)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    const text = body === undefined ? undefined : JSON.stringify(body)
    const all = {
      ...{ authorization: `Bearer ${token}`, ...headers },
      ...(text === undefined
        ? {}
        : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
    }
    const response = await sendRequest(url, { method, ca, headers: all }, text)
    const message = messageIn(await readBody(response, 64 * 1024 * 1024))
    return { code: response.statusCode ?? 0, message }
  },
})

/** One installation for the tests of a file; manifests for which `leaveOut` holds are not in it. */
export const useInstalled = (
  leaveOut: (manifest: Manifest) => boolean = () => false,
  extent: Extent = {},
): Installed => {
  // It type-checks the expressions of policies.
  const controllers = ['validatingadmissionpolicy-status-controller', ...(extent.controllers ?? [])]
  const api = useApiServer({ controllers })
  let installed: Omit<Installed, 'api'> | undefined
  const running = (): Omit<Installed, 'api'> => {
    if (installed === undefined) throw new Error('nothing has been installed')
    return installed
  }
  before(async function () {
    this.timeout(120_000)
    await install(api.client, [OURS, THEIRS], leaveOut)
    if (extent.hasScheduler === true)
      for (const path of SCHEDULER_MANIFESTS) await createAll(api.client, await readManifests(path))
    await api.client.create(SERVICE_ACCOUNTS, { metadata: { namespace: NAMESPACE, name: 'stranger' } })
    const pod = await api.client.create(PODS, podOf('loam-agent-1', OURS, 'loam-agent'))
    await api.client.create(PODS, podOf('loam-agent-2', THEIRS, 'loam-agent'))
    const other = await api.client.create(PODS, podOf('stranger', OURS, 'stranger'))
    const server = new URL(`https://127.0.0.1:${api.server.port}`)
    const ca = await readFile(join(api.server.directory, 'ca.crt'), 'utf8')
    const [bound, unbound, stranger] = await Promise.all(
      [
        requestToken(api.transport, 'loam-agent', pod),
        requestToken(api.transport, 'loam-agent'),
        requestToken(api.transport, 'stranger', other),
      ].map(async (token) => bearerOf(server, ca, await token)),
    )
    if (bound === undefined || unbound === undefined || stranger === undefined) throw new Error('no token')
    const transportOf = (token: string): Transport => {
      const credentials = { tls: { ca }, authorization: `Bearer ${token}` }
      const connection = {
        server,
        credentials: () => Promise.resolve(credentials),
        renew: () => undefined,
      }
      return createTransport({ connection })
    }
    const { hasScheduler = false } = extent
    const account = hasScheduler ? 'loam-scheduler' : 'stranger'
    const schedulerBearer = bearerOf(server, ca, await requestToken(api.transport, account))
    const [transport, scheduler] = [transportOf(bound.token), transportOf(schedulerBearer.token)]
    installed = { bound, unbound, stranger, transport, scheduler, schedulerBearer }
    await eventually('the rights of every user and of the agent are in force', async () => {
      const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }
      const review = await stranger.send({ method: 'POST', path, body })
      const node = await bound.send({ method: 'GET', path: `/api/v1/nodes/${OURS}` })
      return review.code === 201 && node.code === 200
    })
  })
  after(() => {
    installed?.transport.close()
    installed?.scheduler.close()
  })
  return {
    api,
    get bound() {
      return running().bound
    },
    get unbound() {
      return running().unbound
    },
    get stranger() {
      return running().stranger
    },
    get transport() {
      return running().transport
    },
    get scheduler() {
      return running().scheduler
    },
    get schedulerBearer() {
      return running().schedulerBearer
    },
  }
}
