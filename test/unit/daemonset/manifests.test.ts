import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { DRIVER_NAME, NODE_LABEL, TOPOLOGY_KEY, VOLUME_FINALIZER } from '../../../core/naming.ts'
import { parse } from 'yaml'
import { readDaemonset, readManifests, type Manifest } from '../../support/manifests.ts'

const ROOT = join(import.meta.dirname, '../../..')

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
    manifests = await readDaemonset()
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
        'persistent-volume-claims-status',
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
        '/pods list',
        '/persistentvolumeclaims/status patch',
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

  it('has a component for SELinux, which gives mount(8) what it needs to see, and tells kubelet', async () => {
    const [component] = (await readManifests('daemonset/selinux/kustomization.yaml')) as unknown as {
      patches: { target: { kind: string; name: string }; patch: string }[]
    }[]
    const patchOf = (kind: string, name: string): unknown => {
      const found = component?.patches.find(({ target }) => target.kind === kind && target.name === name)
      return parse(found?.patch ?? '')
    }
    expect(only('CSIDriver').spec).to.have.property('seLinuxMount', false)
    expect(patchOf('CSIDriver', DRIVER_NAME)).to.have.deep.property('spec', { seLinuxMount: true })
    const { spec } = patchOf('DaemonSet', 'loam-agent') as { spec: { template: { spec: PodSpec } } }
    const { containers, volumes } = spec.template.spec
    expect(volumes.map(({ name, hostPath }) => [name, hostPath?.path])).to.deep.equal([
      ['sys-fs', '/sys/fs'],
      ['selinux', '/etc/selinux'],
    ])
    // libselinux takes a read-only selinuxfs for "not enabled"
    expect(containers.map(({ volumeMounts }) => volumeMounts)).to.deep.equal([
      [
        { name: 'sys-fs', mountPath: '/sys/fs' },
        { name: 'selinux', mountPath: '/etc/selinux', readOnly: true },
      ],
    ])
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
