import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { VOLUME_FINALIZER } from '../../../core/naming.ts'
import type { Lab } from '../../lab/lab.ts'
import { kubeconfigOf } from '../../lab/runtime/directory.ts'
import { waitFor } from '../../lab/runtime/wait.ts'
import { sharedLab } from '../support/shared-lab.ts'
import {
  claim,
  event,
  lease,
  NAMESPACE,
  nodeLocalStorage,
  persistentVolume,
  storageCapacity,
} from './objects.ts'

type CommandResult = Awaited<ReturnType<Lab['kubectl']>>

const SELECTED_NODE = 'volume.kubernetes.io/selected-node'

interface Item {
  readonly metadata: { readonly name: string; readonly uid: string; readonly generation?: number }
  readonly spec: { readonly nodeName?: string }
  readonly status?: {
    readonly observedGeneration?: number
    readonly typeChecking?: { readonly expressionWarnings?: readonly unknown[] }
    readonly resourceRules?: readonly Rule[]
  }
}

interface Rule {
  readonly verbs: readonly string[]
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly resourceNames?: readonly string[]
}

/** Every write is a server-side dry run: admission decides, and nothing stays. */
const DRY_RUN = '--dry-run=server'

describe('what an agent may write', function () {
  this.timeout(600_000)
  let lab: Lab
  let directory: string
  /** Two nodes with an agent each; `ours` is the one whose token is used. */
  let ours: string
  let theirs: string
  let kubeconfig: string
  const claimUid = randomUUID()
  const made: string[][] = []

  const asAdmin = async (...argv: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await lab.kubectl(argv)
    expect(exitCode, stderr).to.equal(0)
    return stdout
  }
  const list = async (...argv: string[]): Promise<readonly Item[]> =>
    (JSON.parse(await asAdmin('get', ...argv, '-o', 'json')) as { items: Item[] }).items

  const makeAsAdmin = async (object: { kind: string; metadata: { name: string; namespace?: string } }) => {
    const { exitCode, stderr } = await lab.kubectl(['create', '-f', '-'], JSON.stringify(object))
    expect(exitCode, stderr).to.equal(0)
    const { name, namespace = 'default' } = object.metadata
    made.push([object.kind, name, '-n', namespace])
  }

  const asAgent = async (argv: readonly string[], object?: unknown): Promise<CommandResult> =>
    await lab.kubectl(
      [`--kubeconfig=${kubeconfig}`, ...argv],
      object === undefined ? undefined : JSON.stringify(object),
    )
  const create = async (object: unknown) => await asAgent(['create', DRY_RUN, '-f', '-'], object)
  const patch = async (argv: readonly string[], change: unknown) =>
    await asAgent(['patch', ...argv, DRY_RUN, '--type=merge', '-p', JSON.stringify(change)])

  const expectAllowed = ({ exitCode, stderr }: CommandResult) => expect(exitCode, stderr).to.equal(0)
  const expectDenied = ({ exitCode, stderr }: CommandResult, policy: string, reason: string) => {
    expect(exitCode).to.equal(1)
    expect(stderr).to.contain(`ValidatingAdmissionPolicy '${policy}'`).and.to.contain(reason)
  }

  const writeKubeconfig = async (file: string, token: string): Promise<void> => {
    const admin = JSON.parse(await readFile(kubeconfigOf(lab.directory, 'admin'), 'utf8')) as {
      users: { name: string }[]
    }
    const users = admin.users.map(({ name }) => ({ name, user: { token } }))
    await writeFile(file, JSON.stringify({ ...admin, users }), { mode: 0o600 })
  }

  before(async () => {
    lab = await sharedLab()
    directory = await mkdtemp(join(tmpdir(), 'loam-policy-'))
    const pods = await list('pods', '-n', NAMESPACE, '-l', 'app.kubernetes.io/component=agent')
    const [pod, other] = pods
    if (pod?.spec.nodeName === undefined || other?.spec.nodeName === undefined)
      throw new Error('the test needs agents on two nodes')
    ours = pod.spec.nodeName
    theirs = other.spec.nodeName
    const bound = ['--bound-object-kind=Pod', `--bound-object-name=${pod.metadata.name}`]
    const token = await asAdmin(
      ...['create', 'token', 'loam-agent', '-n', NAMESPACE, ...bound],
      `--bound-object-uid=${pod.metadata.uid}`,
    )
    kubeconfig = join(directory, 'agent.conf')
    await writeKubeconfig(kubeconfig, token)
  })

  after(async () => {
    for (const argv of made) {
      if (argv[0] === 'PersistentVolume')
        await asAdmin('patch', ...argv, '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
      await asAdmin('delete', ...argv, '--ignore-not-found', '--wait=false')
    }
    await rm(directory, { recursive: true, force: true })
  })

  it('is decided by policies that the API server finds no fault with', async () => {
    const policies = await waitFor({ what: 'type checking of the policies', timeoutMs: 30_000 }, async () => {
      const found = (await list('validatingadmissionpolicies')).filter(({ metadata }) =>
        metadata.name.startsWith('loam-agent-'),
      )
      const isChecked = ({ metadata, status }: Item) => status?.observedGeneration === metadata.generation
      return found.every(isChecked) && found
    })
    expect(policies.map(({ metadata }) => metadata.name)).to.have.members([
      'loam-agent-events',
      'loam-agent-leases',
      'loam-agent-node-local-storages',
      'loam-agent-persistent-volume-claims',
      'loam-agent-persistent-volumes',
      'loam-agent-storage-capacities',
    ])
    for (const { metadata, status } of policies)
      expect(status?.typeChecking?.expressionWarnings ?? [], metadata.name).to.deep.equal([])
  })

  it('is bounded by the rights that the manifests give, as the API server adds them up', async () => {
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      spec: { namespace: NAMESPACE },
    }
    const { stdout, stderr, exitCode } = await asAgent(
      ['create', '--validate=false', '-o', 'json', '-f', '-'],
      review,
    )
    expect(exitCode, stderr).to.equal(0)
    // What every authenticated user may ask about itself is not the agent's.
    const own = ((JSON.parse(stdout) as Item).status?.resourceRules ?? []).filter(
      ({ apiGroups }) => !apiGroups.some((group) => /^(authorization|authentication)\.k8s\.io$/.test(group)),
    )
    const rights = own.flatMap(({ apiGroups, resources, resourceNames = [], verbs }) =>
      resources.map((resource) => [apiGroups.join(), resource, ...resourceNames, verbs.join()].join(' ')),
    )
    expect(rights).to.have.members([
      ' namespaces kube-system get',
      ' nodes get',
      ' persistentvolumeclaims get,list,watch,patch',
      ' persistentvolumes get,list,watch,create,patch,delete',
      'coordination.k8s.io leases get,create,patch',
      'events.k8s.io events get,create,patch',
      'loam.storage nodelocalstorages get,list,watch,create,patch',
      'loam.storage nodelocalstorages/status patch',
      'storage.k8s.io csistoragecapacities get,create,patch,delete',
      'storage.k8s.io storageclasses get,list,watch',
    ])
  })

  describe('of PersistentVolumes', () => {
    const policy = 'loam-agent-persistent-volumes'
    const name = `pvc-${claimUid}`

    before(async () => await makeAsAdmin(persistentVolume(ours, claimUid)))

    it('is one of its own node, named for the claim', async () => {
      expectAllowed(await create(persistentVolume(ours, randomUUID())))
    })
    it('is none of another node', async () => {
      expectDenied(await create(persistentVolume(theirs, randomUUID())), policy, `pinned to the node ${ours}`)
    })
    it('is none that more than one node may use', async () => {
      const wide = persistentVolume(ours, randomUUID())
      wide.spec.nodeAffinity.required.nodeSelectorTerms.push(
        ...persistentVolume(theirs, claimUid).spec.nodeAffinity.required.nodeSelectorTerms,
      )
      expectDenied(await create(wide), policy, 'and to no other')
    })
    it('is none without the label that its watch goes by', async () => {
      const unlabelled = persistentVolume(ours, randomUUID())
      unlabelled.metadata.labels = {}
      expectDenied(await create(unlabelled), policy, 'the label loam.storage/node')
    })
    it('is none of another driver', async () => {
      const foreign = persistentVolume(ours, randomUUID())
      foreign.spec.csi.driver = 'hostpath.csi.k8s.io'
      expectDenied(await create(foreign), policy, 'of the driver loam.storage only')
    })
    it("is none in another claim's name", async () => {
      const stolen = persistentVolume(ours, randomUUID())
      stolen.spec.claimRef.uid = randomUUID()
      expectDenied(await create(stolen), policy, 'named for the UID of the claim')
    })
    it("drops the agent's own finalizer, and changes nothing else", async () => {
      expectAllowed(await patch(['pv', name], { metadata: { finalizers: ['kubernetes.io/pv-protection'] } }))
      expectDenied(
        await patch(['pv', name], { metadata: { finalizers: [VOLUME_FINALIZER] } }),
        policy,
        'no finalizer but loam.storage/logical-volume',
      )
      expectDenied(
        await patch(['pv', name], { spec: { persistentVolumeReclaimPolicy: 'Delete' } }),
        policy,
        'nothing in the spec',
      )
    })
    it('is deleted on its own node only', async () => {
      const othersUid = randomUUID()
      await makeAsAdmin(persistentVolume(theirs, othersUid))
      expectAllowed(await asAgent(['delete', 'pv', name, DRY_RUN]))
      expectDenied(
        await asAgent(['delete', 'pv', `pvc-${othersUid}`, DRY_RUN]),
        policy,
        `pinned to the node ${ours}`,
      )
    })
  })

  describe('in claims', () => {
    const policy = 'loam-agent-persistent-volume-claims'
    const target = (name: string) => ['pvc', name, '-n', 'default']

    before(async () => {
      await makeAsAdmin(claim('policy-ours', { [SELECTED_NODE]: ours, note: 'kept' }))
      await makeAsAdmin(claim('policy-theirs', { [SELECTED_NODE]: theirs }))
    })

    it('is the removal of a selection of its own node', async () => {
      const removal = { metadata: { annotations: { [SELECTED_NODE]: null } } }
      expectAllowed(await patch(target('policy-ours'), removal))
      expectDenied(await patch(target('policy-theirs'), removal), policy, `the node ${ours} is selected`)
    })
    it('is no other change of the selection', async () => {
      const move = { metadata: { annotations: { [SELECTED_NODE]: theirs } } }
      expectDenied(await patch(target('policy-ours'), move), policy, 'adds and changes no annotation')
      const empty = { metadata: { annotations: { [SELECTED_NODE]: '' } } }
      expectDenied(await patch(target('policy-ours'), empty), policy, 'adds and changes no annotation')
    })
    it('is no other annotation, label, finalizer or request', async () => {
      const refused: readonly [unknown, string][] = [
        [{ metadata: { annotations: { note: null } } }, 'removes no annotation'],
        [{ metadata: { annotations: { more: 'x' } } }, 'adds and changes no annotation'],
        [{ metadata: { labels: { more: 'x' } } }, 'changes nothing in a claim but'],
        [{ metadata: { finalizers: null } }, 'changes nothing in a claim but'],
        [{ spec: { volumeName: 'other' } }, 'changes nothing in a claim but'],
      ]
      for (const [change, reason] of refused)
        expectDenied(await patch(target('policy-ours'), change), policy, reason)
    })
  })

  it('is the capacity of its own node only', async () => {
    const policy = 'loam-agent-storage-capacities'
    expectAllowed(await create(storageCapacity(ours)))
    expectDenied(await create(storageCapacity(theirs)), policy, `of the node ${ours}`)
    const everywhere = storageCapacity(ours)
    everywhere.nodeTopology.matchLabels = {}
    expectDenied(await create(everywhere), policy, 'and of no other')
    await makeAsAdmin(storageCapacity(theirs))
    const object = ['csistoragecapacity', 'policy-test', '-n', NAMESPACE]
    expectDenied(await patch(object, { capacity: '1Ti' }), policy, `of the node ${ours}`)
    expectDenied(await asAgent(['delete', ...object, DRY_RUN]), policy, `of the node ${ours}`)
  })

  it('is a NodeLocalStorage of its own node only', async () => {
    const policy = 'loam-agent-node-local-storages'
    expectAllowed(await create(nodeLocalStorage(`policy-test.${ours}-0`, ours)))
    expectDenied(
      await create(nodeLocalStorage(`policy-test.${theirs}-0`, theirs)),
      policy,
      `has to be ${ours}`,
    )
    expectDenied(
      await create(nodeLocalStorage(`policy-test.${theirs}-0`, ours)),
      policy,
      'the name has to start',
    )
    await makeAsAdmin(nodeLocalStorage(`policy-test.${theirs}-0`, theirs))
    const object = ['nls', `policy-test.${theirs}-0`]
    expectDenied(await patch(object, { spec: { layout: 'thin' } }), policy, `has to be ${ours}`)
    // Server-side apply, as the agent does it: other ways of kubectl read the status first, and the agent may not.
    const apply = ['apply', '--server-side', '--subresource=status', '--validate=false', DRY_RUN, '-f', '-']
    const report = {
      ...nodeLocalStorage(`policy-test.${theirs}-0`, theirs),
      status: { observedGeneration: 9 },
    }
    const status = await asAgent(apply, report)
    expectDenied(status, policy, `has to be ${ours}`)
  })

  it('is an event in its own name only', async () => {
    const policy = 'loam-agent-events'
    expectAllowed(await create(event('loam.storage/agent', ours)))
    expectDenied(await create(event('loam.storage/agent', theirs)), policy, `on the node ${ours}`)
    expectDenied(await create(event('kubelet', ours)), policy, 'reported by loam.storage/agent')
  })

  it('is the lease of its own node only', async () => {
    const policy = 'loam-agent-leases'
    const own = ['lease', `loam-agent-${ours}`, '-n', NAMESPACE]
    expectAllowed(await patch(own, { spec: { holderIdentity: 'policy-test' } }))
    const other = ['lease', `loam-agent-${theirs}`, '-n', NAMESPACE]
    expectDenied(
      await patch(other, { spec: { holderIdentity: 'policy-test' } }),
      policy,
      `loam-agent-${ours}`,
    )
    expectDenied(await create(lease('policy-test')), policy, `loam-agent-${ours}`)
  })

  it('is nothing at all with a token that is bound to no pod', async () => {
    const token = await asAdmin('create', 'token', 'loam-agent', '-n', NAMESPACE)
    const unbound = join(directory, 'unbound.conf')
    await writeKubeconfig(unbound, token)
    const result = await lab.kubectl(
      [`--kubeconfig=${unbound}`, 'create', DRY_RUN, '-f', '-'],
      JSON.stringify(storageCapacity('')),
    )
    expectDenied(result, 'loam-agent-storage-capacities', 'not bound to a pod on a node')
  })
})
