import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { parseAllDocuments } from 'yaml'
import { DRIVER_NAME, NODE_LABEL, TOPOLOGY_KEY, VOLUME_FINALIZER } from '../../../core/naming.ts'

const ROOT = join(import.meta.dirname, '../../..')

interface Rule {
  readonly apiGroups: string[]
  readonly resources: string[]
  readonly resourceNames?: string[]
  readonly verbs: string[]
}

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; labels?: Record<string, string> }
  readonly rules?: Rule[]
  readonly roleRef?: { kind: string; name: string }
  readonly subjects?: { kind: string; name: string; namespace: string }[]
  readonly resources?: string[]
  readonly spec: Record<string, unknown>
}

interface PodSpec {
  readonly containers: readonly {
    readonly image: string
    readonly ports: readonly { containerPort: number }[]
    readonly securityContext: Record<string, unknown>
    readonly volumeMounts: readonly { name: string; mountPath: string; mountPropagation?: string }[]
    readonly resources: Record<string, unknown>
  }[]
  readonly volumes: readonly { name: string; hostPath?: { path: string; type: string } }[]
  readonly [more: string]: unknown
}

const read = async (path: string): Promise<Manifest[]> => {
  const documents = parseAllDocuments(await readFile(join(ROOT, path), 'utf8'))
  if (!Array.isArray(documents)) throw new Error(`${path} holds no documents`)
  return documents.map((document) => {
    expect(document.errors, path).to.deep.equal([])
    return document.toJS() as Manifest
  })
}

/** All that `kubectl apply -k daemonset` installs, but for the CRD, which is tested where it is. */
const readBase = async (): Promise<Manifest[]> => {
  const [kustomization] = await read('daemonset/kustomization.yaml')
  const files = kustomization?.resources?.filter((name) => name.endsWith('.yaml')) ?? []
  return (await Promise.all(files.map((name) => read(join('daemonset', name))))).flat()
}

describe('daemonset/', () => {
  let manifests: Manifest[]

  const ofKind = (kind: string): Manifest[] => manifests.filter((manifest) => manifest.kind === kind)
  const only = (kind: string): Manifest => {
    const [found, ...more] = ofKind(kind)
    if (found === undefined || more.length > 0) throw new Error(`not exactly one ${kind}`)
    return found
  }
  const podSpec = (): PodSpec => (only('DaemonSet').spec as { template: { spec: PodSpec } }).template.spec
  const container = () => {
    const [agent, ...more] = podSpec().containers
    if (agent === undefined || more.length > 0) throw new Error('not exactly one container')
    return agent
  }

  before(async () => {
    manifests = await readBase()
  })

  it('installs what the kinds say, and nothing by surprise', () => {
    expect(manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).to.have.members([
      'Namespace loam-system',
      'ServiceAccount loam-agent',
      'ClusterRole loam-agent',
      'ClusterRoleBinding loam-agent',
      'Role loam-agent',
      'RoleBinding loam-agent',
      ...[
        'events',
        'leases',
        'node-local-storages',
        'persistent-volume-claims',
        'persistent-volumes',
        'storage-capacities',
      ].flatMap((name) => [
        `ValidatingAdmissionPolicy loam-agent-${name}`,
        `ValidatingAdmissionPolicyBinding loam-agent-${name}`,
      ]),
      `CSIDriver ${DRIVER_NAME}`,
      'DaemonSet loam-agent',
    ])
  })

  describe('rights of the agent', () => {
    const rightsOf = (manifest: Manifest): string[] =>
      (manifest.rules ?? []).map(({ apiGroups, resources, resourceNames = [], verbs }) =>
        [`${apiGroups.join()}/${resources.join()}`, ...resourceNames, verbs.join()].join(' '),
      )

    it('are exactly these in the cluster', () => {
      expect(rightsOf(only('ClusterRole'))).to.have.members([
        '/namespaces kube-system get',
        '/nodes get',
        '/persistentvolumeclaims get,list,watch,patch',
        '/persistentvolumes get,list,watch,create,patch,delete',
        'events.k8s.io/events get,create,patch',
        'loam.storage/nodelocalstorages get,list,watch,create,patch',
        'loam.storage/nodelocalstorages/status patch',
        'storage.k8s.io/storageclasses get,list,watch',
      ])
    })

    it('are exactly these in its namespace', () => {
      expect(rightsOf(only('Role'))).to.deep.equal([
        'storage.k8s.io/csistoragecapacities get,create,patch,delete',
        'coordination.k8s.io/leases get,create,patch',
      ])
    })

    it('go to its service account only', () => {
      for (const binding of [only('ClusterRoleBinding'), only('RoleBinding')])
        expect(binding.subjects).to.deep.equal([
          { kind: 'ServiceAccount', name: 'loam-agent', namespace: 'loam-system' },
        ])
      expect(podSpec()).to.have.property('serviceAccountName', 'loam-agent')
    })
  })

  describe('policies', () => {
    const policies = () =>
      ofKind('ValidatingAdmissionPolicy').map(
        ({ spec }) =>
          spec as {
            failurePolicy: string
            matchConstraints: { resourceRules: { operations: string[]; resources: string[] }[] }
            matchConditions: { expression: string }[]
          },
      )

    it('deny when they cannot be asked', () => {
      for (const { failurePolicy } of policies()) expect(failurePolicy).to.equal('Fail')
      for (const { spec } of ofKind('ValidatingAdmissionPolicyBinding'))
        expect(spec.validationActions).to.deep.equal(['Deny'])
    })

    it('hold for the service account that the agent has', () => {
      for (const { matchConditions } of policies())
        expect(matchConditions.map(({ expression }) => expression)).to.deep.equal([
          "request.userInfo.username == 'system:serviceaccount:loam-system:loam-agent'",
        ])
    })

    it('cover every right to write', () => {
      const verbs: Record<string, string> = { create: 'CREATE', patch: 'UPDATE', delete: 'DELETE' }
      const granted = [only('ClusterRole'), only('Role')].flatMap(({ rules = [] }) =>
        rules.flatMap((rule) =>
          rule.resources.flatMap((resource) =>
            rule.verbs.flatMap((verb) => (verb in verbs ? [`${resource} ${verbs[verb] ?? ''}`] : [])),
          ),
        ),
      )
      const guarded = policies().flatMap(({ matchConstraints }) =>
        matchConstraints.resourceRules.flatMap(({ resources, operations }) =>
          resources.flatMap((resource) => operations.map((operation) => `${resource} ${operation}`)),
        ),
      )
      const open = granted.filter((right) => !guarded.includes(right))
      expect(open).to.deep.equal([])
    })

    it("spell Loam's names as the code does", async () => {
      const spelled = async (name: string) => await readFile(join(ROOT, 'daemonset/own-node', name), 'utf8')
      const volumes = await spelled('persistent-volumes.yaml')
      for (const name of [DRIVER_NAME, TOPOLOGY_KEY, NODE_LABEL, VOLUME_FINALIZER])
        expect(volumes).to.contain(`'${name}'`)
      expect(await spelled('storage-capacities.yaml')).to.contain(`'${TOPOLOGY_KEY}'`)
    })
  })

  describe('the agent', () => {
    it('runs the image that scripts/image makes of this version', async () => {
      const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
        version: string
      }
      expect(container().image).to.equal(`docker.io/loam/agent:${version}`)
    })

    it('gets these paths of the host and no other', () => {
      expect(podSpec().volumes.map(({ hostPath }) => hostPath?.path)).to.deep.equal([
        '/dev',
        '/var/lib/kubelet',
        '/run/loam',
        '/var/lib/loam/metadata',
      ])
      for (const { name, hostPath } of podSpec().volumes) {
        const mounts = container().volumeMounts.filter((mount) => mount.name === name)
        expect(mounts.map(({ mountPath }) => mountPath)).to.deep.equal([hostPath?.path])
      }
    })

    it('propagates mounts to kubelet from its directory only', () => {
      const propagating = container().volumeMounts.filter(
        ({ mountPropagation }) => mountPropagation !== undefined,
      )
      expect(propagating.map(({ name, mountPropagation }) => [name, mountPropagation])).to.deep.equal([
        ['kubelet', 'Bidirectional'],
      ])
    })

    it('cannot write its own root, is on no host network, and opens one port', () => {
      expect(container().securityContext).to.have.property('readOnlyRootFilesystem', true)
      expect(podSpec()).to.not.have.any.keys('hostNetwork', 'hostIPC')
      expect(container().ports.map(({ containerPort }) => containerPort)).to.deep.equal([9808])
    })

    it('never lives twice on a node', () => {
      expect(only('DaemonSet').spec.updateStrategy).to.deep.equal({
        type: 'RollingUpdate',
        rollingUpdate: { maxUnavailable: 1, maxSurge: 0 },
      })
    })
  })
})
