import { expect } from 'chai'
import { viewClaim, type ClaimView } from '../../../kube/claim-view.ts'
import { FOREIGN_WRITES } from '../../../agent/foreign-writes.ts'
import { OwnNodeCheck } from '../../../agent/own-node-check.ts'
import { ReportWriter } from '../../../agent/report-writer.ts'
import { silentLogger } from '../../../core/logger.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { createKubeClient } from '../../../kube/client.ts'
import { createEventRecorder } from '../../../kube/events.ts'
import {
  CSI_STORAGE_CAPACITIES,
  EVENTS,
  LEASES,
  NODE_LOCAL_STORAGES,
  PERSISTENT_VOLUMES,
  PERSISTENT_VOLUME_CLAIMS,
} from '../../../kube/resources.ts'
import type { KubeClient, KubeObject, ObjectStore, ResourceType } from '../../../kube/types.ts'
import type { NodeVolumes } from '../../../lvm/types.ts'
import { eventually } from '../../support/eventually.ts'
import { OURS, useInstalled } from '../daemonset/installed.ts'
import { claim, CLASS, NAMESPACE, nodeLocalStorage } from '../daemonset/objects.ts'

const BINDINGS: ResourceType = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'validatingadmissionpolicybindings',
  kind: 'ValidatingAdmissionPolicyBinding',
  namespaced: false,
}
const identity = { nodeName: OURS, clusterId: 'c', namespace: NAMESPACE }
const POLICIES = FOREIGN_WRITES.map(({ policy }) => policy)

interface Binding extends KubeObject {
  readonly spec: { readonly policyName: string; readonly validationActions: readonly string[] }
}
const bindingOf = (policy: string, action = 'Deny'): Binding => ({
  metadata: { name: policy },
  spec: { policyName: policy, validationActions: [action] },
})

describe('the check of the policies against a real API server', function () {
  this.timeout(120_000)
  const installed = useInstalled(({ kind }) => kind === BINDINGS.kind)
  let client: KubeClient
  let claims: ObjectStore<ClaimView>
  let check: OwnNodeCheck

  const unbind = async (policy: string): Promise<void> => {
    const existing = await installed.api.client.get(BINDINGS, { name: policy })
    await installed.api.client.delete(BINDINGS, { name: policy }, { uid: existing?.metadata.uid ?? '' })
  }
  /** The API server takes to a change of policies some time after it was written. */
  const untilOpen = (...policies: string[]) =>
    eventually(`open are ${policies.join(' and ') || 'none'}`, async () => {
      await check.look()
      const problem = check.problem()
      // one name begins another
      const words = problem?.message.split(/[ ,.]+/) ?? []
      const named = POLICIES.filter((policy) => words.includes(policy))
      return problem?.isKnown !== false && named.join() === policies.join()
    })
  const countAll = async (): Promise<number> => {
    let count = 0
    for (const type of [
      ...[PERSISTENT_VOLUMES, PERSISTENT_VOLUME_CLAIMS, CSI_STORAGE_CAPACITIES],
      ...[NODE_LOCAL_STORAGES, LEASES, EVENTS],
    ])
      await installed.api.client.list(type, {}, () => (count += 1))
    return count
  }

  before(async () => {
    client = createKubeClient(installed.transport)
    const waiting = await installed.api.client.create(PERSISTENT_VOLUME_CLAIMS, claim('waiting', {}))
    claims = new Map([['default/waiting', viewClaim(waiting)]]) as unknown as ObjectStore<ClaimView>
    check = new OwnNodeCheck({ client, identity, claims, log: silentLogger })
  })

  it('finds every policy open that is not bound, and writes nothing by trying', async () => {
    const before = await countAll()
    await untilOpen(...POLICIES)
    expect(await countAll()).to.equal(before)
    const left = await client.get(PERSISTENT_VOLUME_CLAIMS, { namespace: 'default', name: 'waiting' })
    expect(left?.metadata.labels).to.equal(undefined)
  })

  it('shows it in a condition and in one event, while the report is written as ever', async () => {
    const object = nodeLocalStorage(OURS) as unknown as NodeLocalStorage
    const made = await client.create(NODE_LOCAL_STORAGES, object)
    const events = createEventRecorder({
      ...{ client, log: silentLogger },
      ...{ reportingController: 'loam.storage/agent', reportingInstance: OURS },
    })
    const ports = { client, events, volumes: {} as NodeVolumes, log: silentLogger }
    const none = { get: () => undefined } as unknown as ObjectStore<NodeLocalStorage>
    const owners = { claimed: () => new Set<string>(), held: () => new Map<string, string>() }
    const problem = { reason: 'NoUsableDisk', message: 'none' }
    const state = {
      ...{ name: CLASS, storageClass: undefined, nodeUid: 'n', generation: 1, disks: [] },
      ...{ group: undefined, problem },
    }
    const findings = { state, inventory: { groups: [], volumes: [], unseen: [] } }
    // Two agents, one after the other.
    for (let restarts = 0; restarts < 2; restarts += 1)
      await new ReportWriter(ports, identity, none, owners, check).write(findings)
    await events.flush()
    const { name = '' } = made.metadata
    const { status } = (await client.get<NodeLocalStorage>(NODE_LOCAL_STORAGES, { name })) ?? {}
    const condition = status?.conditions?.find(({ type }) => type === 'OwnNodeOnly')
    expect(condition).to.include({ status: 'False', reason: 'PoliciesNotEnforced' })
    for (const policy of POLICIES) expect(condition?.message).to.contain(policy)
    const told: string[] = []
    await installed.api.client.list<KubeObject & { reason?: string }>(EVENTS, {}, ({ reason }) =>
      told.push(reason ?? ''),
    )
    expect(told.filter((reason) => reason === 'PoliciesNotEnforced')).to.have.length(1)
  })

  it('finds nothing open once all are bound, and each one that is taken away', async () => {
    for (const policy of POLICIES) await installed.api.client.create(BINDINGS, bindingOf(policy))
    await untilOpen()
    for (const policy of POLICIES) {
      await unbind(policy)
      await untilOpen(policy)
      await installed.api.client.create(BINDINGS, bindingOf(policy))
      await untilOpen()
    }
  })

  it('is not misled by a binding that only warns', async () => {
    const [policy = ''] = POLICIES
    await unbind(policy)
    await installed.api.client.create(BINDINGS, bindingOf(policy, 'Audit'))
    await untilOpen(policy)
    await unbind(policy)
    await installed.api.client.create(BINDINGS, bindingOf(policy))
    await untilOpen()
  })
})
