import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { parseAllDocuments } from 'yaml'
import { readConfig } from '../../../scheduler/config.ts'

const FOLDER = join(import.meta.dirname, '../../../daemonset/scheduler')

interface Rule {
  readonly apiGroups: string[]
  readonly resources: string[]
  readonly resourceNames?: string[]
  readonly verbs: string[]
}

interface Container {
  readonly command: readonly string[]
  readonly env: readonly { readonly name: string }[]
  readonly ports: readonly { readonly containerPort: number }[]
  readonly securityContext: unknown
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly rules?: readonly Rule[]
  readonly spec: {
    readonly replicas: number
    readonly template: { readonly spec: { readonly containers: readonly Container[] } }
  }
}

const read = async (name: string): Promise<Manifest[]> =>
  [parseAllDocuments(await readFile(join(FOLDER, name), 'utf8'))]
    .flat()
    .map((document) => document.toJS() as Manifest)

describe('daemonset/scheduler', () => {
  let manifests: Manifest[]
  const only = (kind: string): Manifest => {
    const [found, ...more] = manifests.filter((each) => each.kind === kind)
    if (found === undefined || more.length > 0) throw new Error(`not exactly one ${kind}`)
    return found
  }
  const rightsOf = (kind: string): string[] =>
    (only(kind).rules ?? []).map(({ apiGroups, resources, resourceNames = [], verbs }) =>
      [`${apiGroups.join()}/${resources.join()}`, ...resourceNames, verbs.join()].join(' '),
    )

  before(async () => {
    manifests = (await Promise.all(['rbac.yaml', 'policy.yaml', 'deployment.yaml'].map(read))).flat()
  })

  it('may read what it chooses from, write claims, volumes and reports as its policies allow, and nothing else', () => {
    expect(rightsOf('ClusterRole')).to.have.members([
      '/nodes get,list,watch',
      'storage.k8s.io/storageclasses get,list,watch',
      'loam.storage/nodelocalstorages get,list,watch',
      'loam.storage/nodelocalstorages/status patch',
      '/persistentvolumeclaims get,list,watch,patch',
      '/persistentvolumes get,list,watch,patch',
      'events.k8s.io/events create,patch',
    ])
    expect(rightsOf('Role')).to.have.members([
      'coordination.k8s.io/leases create',
      'coordination.k8s.io/leases loam-scheduler get,patch',
      'coordination.k8s.io/leases get,list,watch',
      'storage.k8s.io/csistoragecapacities get,delete',
    ])
  })

  it('runs two replicas without any privilege', () => {
    const { replicas, template } = only('Deployment').spec
    expect(replicas).to.equal(2)
    expect(template.spec).to.deep.include({
      securityContext: {
        ...{ runAsNonRoot: true, runAsUser: 65532, runAsGroup: 65532 },
        seccompProfile: { type: 'RuntimeDefault' },
      },
    })
    expect(template.spec.containers[0]?.securityContext).to.deep.equal({
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      capabilities: { drop: ['ALL'] },
    })
  })

  it('keeps the replicas on nodes of their own, and replaces one soon whose node does not answer', () => {
    const { spec } = only('Deployment').spec.template as { spec: Record<string, unknown> }
    const [constraint] = spec.topologySpreadConstraints as Record<string, unknown>[]
    expect(constraint).to.include({
      ...{ topologyKey: 'kubernetes.io/hostname', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' },
    })
    const tolerations = spec.tolerations as { key: string; tolerationSeconds: number }[]
    expect(tolerations.map(({ key }) => key)).to.have.members([
      'node.kubernetes.io/not-ready',
      'node.kubernetes.io/unreachable',
    ])
    for (const { tolerationSeconds } of tolerations) expect(tolerationSeconds).to.be.at.most(60)
  })

  it('gives the process the environment that it needs, and probes the port that it listens at', () => {
    const [container] = only('Deployment').spec.template.spec.containers
    const environment = Object.fromEntries((container?.env ?? []).map(({ name }) => [name, 'x']))
    expect(container?.ports[0]?.containerPort).to.equal(readConfig(environment).healthPort)
    expect(container?.command.at(-1)).to.equal('/app/scheduler.cjs')
  })
})
