import { expect } from 'chai'
import PQueue from 'p-queue'
import type { Transport } from '../../../kube/transport.ts'
import { useInstalled, type Answer, type Bearer, type RawRequest } from './installed.ts'
import { NAMESPACE } from './objects.ts'

/**
 * All that the agent's service account may do, before any policy is asked: resource, verbs, and where. Whatever the API
 * server serves beside it is refused. "everywhere" is each namespace as well as the whole cluster.
 */
const AGENT: readonly (readonly [resource: string, verbs: string, where: string])[] = [
  ['namespaces', 'get', 'kube-system'],
  ['nodes', 'get', 'everywhere'],
  ['storageclasses.storage.k8s.io', 'get list watch', 'everywhere'],
  ['persistentvolumeclaims', 'get list watch patch', 'everywhere'],
  ['persistentvolumeclaims/status', 'patch', 'everywhere'],
  ['pods', 'list', 'everywhere'],
  ['persistentvolumes', 'get list watch create patch delete', 'everywhere'],
  ['nodelocalstorages.loam.storage', 'get list watch create patch', 'everywhere'],
  ['nodelocalstorages/status.loam.storage', 'patch', 'everywhere'],
  ['events.events.k8s.io', 'get create patch', 'everywhere'],
  ['csistoragecapacities.storage.k8s.io', 'get create patch delete', NAMESPACE],
  ['leases.coordination.k8s.io', 'get create patch', NAMESPACE],
]

/** What Kubernetes lets every user ask about itself (ClusterRole system:basic-user). */
const EVERY_USER: typeof AGENT = [
  ['selfsubjectreviews.authentication.k8s.io', 'create', 'everywhere'],
  ['selfsubjectaccessreviews.authorization.k8s.io', 'create', 'everywhere'],
  ['selfsubjectrulesreviews.authorization.k8s.io', 'create', 'everywhere'],
]

/** Discovery must not come to miss these. */
const DANGEROUS = [
  ...[
    'secrets',
    'configmaps',
    'pods',
    'pods/exec',
    'pods/attach',
    'pods/portforward',
    'pods/ephemeralcontainers',
  ],
  ...['pods/eviction', 'pods/binding', 'nodes', 'nodes/status', 'nodes/proxy', 'services/proxy'],
  ...['serviceaccounts', 'serviceaccounts/token', 'namespaces/finalize', 'persistentvolumes/status'],
  ...['persistentvolumeclaims/status', 'volumeattachments.storage.k8s.io', 'csinodes.storage.k8s.io'],
  ...['clusterroles.rbac.authorization.k8s.io', 'rolebindings.rbac.authorization.k8s.io'],
  'customresourcedefinitions.apiextensions.k8s.io',
  'certificatesigningrequests/approval.certificates.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
]

interface Resource {
  /** As RBAC and kubectl write it: `resource.group`, and `resource/sub.group`. */
  readonly label: string
  readonly groupPath: string
  readonly name: string
  readonly subresource: string
  readonly namespaced: boolean
}

const NAMESPACES = [NAMESPACE, 'default']
/** Of objects that are not there, but for a few that are. */
const NAMES: Readonly<Record<string, readonly string[]>> = { namespaces: ['kube-system', 'default'] }

const discover = async (transport: Transport): Promise<Resource[]> => {
  const get = async <T>(path: string): Promise<T> =>
    (await transport.json({ method: 'GET', path, object: `discovery of ${path}` })) as T
  const { groups } = await get<{ groups: { versions: { groupVersion: string }[] }[] }>('/apis')
  const paths = groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => `/apis/${groupVersion}`))
  const lists = ['/api/v1', ...paths].map(async (groupPath) => {
    const { resources } = await get<{ resources: { name: string; namespaced: boolean }[] }>(groupPath)
    const group = groupPath.split('/').slice(2, -1).join()
    return resources.map(({ name, namespaced }): Resource => {
      const [plural = '', subresource = ''] = name.split('/')
      return {
        label: group === '' ? name : `${name}.${group}`,
        groupPath,
        name: plural,
        subresource,
        namespaced,
      }
    })
  })
  return (await Promise.all(lists)).flat()
}

interface Attempt {
  readonly what: string
  readonly request: RawRequest
}

const DRY_RUN = { dryRun: 'All' }
const merge = { contentType: 'application/merge-patch+json', body: {} }

const onObject = (path: string): readonly [verb: string, RawRequest][] => [
  ['get', { method: 'GET', path }],
  ['update', { method: 'PUT', path, query: DRY_RUN, body: {} }],
  ['patch', { method: 'PATCH', path, query: DRY_RUN, ...merge }],
  ['delete', { method: 'DELETE', path, query: DRY_RUN }],
]
const onCollection = (path: string): readonly [verb: string, RawRequest][] => [
  ['list', { method: 'GET', path }],
  ['watch', { method: 'GET', path, query: { watch: 'true', timeoutSeconds: '1' } }],
  ['create', { method: 'POST', path, query: DRY_RUN, body: {} }],
  ['deletecollection', { method: 'DELETE', path, query: DRY_RUN }],
]

const attemptsOn = ({ label, groupPath, name, subresource, namespaced }: Resource): Attempt[] => {
  const collections = namespaced
    ? NAMESPACES.map((namespace) => ({
        where: namespace,
        path: `${groupPath}/namespaces/${namespace}/${name}`,
      }))
    : [{ where: 'cluster', path: `${groupPath}/${name}` }]
  const objects = collections.flatMap(({ where, path }) =>
    (NAMES[name] ?? ['any']).map((object) => ({
      where: NAMES[name] === undefined ? where : object,
      path: `${path}/${object}`,
    })),
  )
  const requests =
    subresource === ''
      ? [
          ...collections.map(({ where, path }) => ({ where, pairs: onCollection(path) })),
          ...objects.map(({ where, path }) => ({ where, pairs: onObject(path) })),
          ...(namespaced
            ? [{ where: 'cluster', pairs: onCollection(`${groupPath}/${name}`).slice(0, 2) }]
            : []),
        ]
      : objects.map(({ where, path }) => {
          const whole = `${path}/${subresource}`
          const create = ['create', { method: 'POST', path: whole, query: DRY_RUN, body: {} }] as const
          return { where, pairs: [...onObject(whole), create] }
        })
  return requests.flatMap(({ where, pairs }) =>
    pairs.map(([verb, request]) => ({ what: `${label} ${verb} ${where}`, request })),
  )
}

const isRefusedByRights = ({ code, message }: Answer): boolean =>
  code === 403 && /cannot \w+ resource/.test(message)

/** What of all attempts RBAC lets through. What comes of it then, say that there is no such object, is another matter. */
const walk = async ({ send }: Bearer, attempts: readonly Attempt[]): Promise<string[]> => {
  const queue = new PQueue({ concurrency: 8 })
  const letThrough = attempts.map(({ what, request }) =>
    queue.add(async () => {
      const answer = await send(request)
      expect(answer.code, `${what}: ${answer.message}`).to.not.equal(401)
      return isRefusedByRights(answer) ? [] : [what]
    }),
  )
  return (await Promise.all(letThrough)).flat()
}

const expectedOf = (attempts: readonly Attempt[], rights: typeof AGENT): string[] => {
  const granted = new Map(
    rights.map(([resource, verbs, where]) => [resource, { verbs: verbs.split(' '), where }]),
  )
  return attempts
    .map(({ what }) => what)
    .filter((what) => {
      const [resource = '', verb = '', where] = what.split(' ')
      const right = granted.get(resource)
      return right?.verbs.includes(verb) === true && (right.where === 'everywhere' || right.where === where)
    })
}

describe("the service account's rights, walked resource by resource and verb by verb", function () {
  this.timeout(180_000)
  const installed = useInstalled()
  let attempts: Attempt[]

  before(async () => {
    const resources = await discover(installed.api.transport)
    expect(resources.map(({ label }) => label)).to.include.members(DANGEROUS)
    attempts = resources.flatMap(attemptsOn)
    const known = new Set(attempts.map(({ what }) => what.split(' ')[0]))
    for (const [resource] of [...AGENT, ...EVERY_USER]) expect(known).to.include(resource)
  })

  const cases = [
    ['of a token that is bound to the pod of an agent', () => installed.bound, [...AGENT, ...EVERY_USER]],
    ['of a token of the agent that is bound to no pod', () => installed.unbound, [...AGENT, ...EVERY_USER]],
    ["of another service account in the agent's namespace", () => installed.stranger, EVERY_USER],
  ] as const
  for (const [whose, bearer, rights] of cases)
    it(`${whose} are those of the table and no other`, async () => {
      expect(await walk(bearer(), attempts)).to.have.members(expectedOf(attempts, rights))
    })

  it('do not let the agent act as somebody else', async () => {
    const path = '/api/v1/nodes/node1'
    const others = [
      { 'impersonate-user': 'admin' },
      { 'impersonate-user': 'system:serviceaccount:kube-system:default' },
      { 'impersonate-user': 'system:node:node2', 'impersonate-group': 'system:nodes' },
      {
        'impersonate-user': `system:serviceaccount:${NAMESPACE}:loam-agent`,
        'impersonate-extra-authentication.kubernetes.io%2fnode-name': 'node2',
      },
    ]
    for (const headers of others) {
      const { code, message } = await installed.bound.send({ method: 'GET', path, headers })
      expect(code).to.equal(403)
      expect(code).to.equal(403)
      expect(message).to.match(/:loam-agent" cannot impersonate/)
    }
  })

  it('do not let the agent read what the API server says about itself', async () => {
    for (const path of ['/metrics', '/logs/', '/debug/pprof/', '/configz', '/flagz', '/statusz']) {
      const { code, message } = await installed.bound.send({ method: 'GET', path })
      expect([code, message]).to.deep.equal([
        403,
        `forbidden: User "system:serviceaccount:${NAMESPACE}:loam-agent" cannot get path "${path}"`,
      ])
    }
  })
})
