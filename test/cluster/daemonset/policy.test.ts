import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { createKubeClient } from '../../../kube/client.ts'
import { Forbidden } from '../../../kube/errors.ts'
import {
  CSI_STORAGE_CAPACITIES,
  EVENTS,
  LEASES,
  NODE_LOCAL_STORAGES,
  PERSISTENT_VOLUMES,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
} from '../../../kube/resources.ts'
import { createTransport } from '../../../kube/transport.ts'
import type { KubeObject, ResourceType } from '../../../kube/types.ts'
import { makeCertificate } from '../../lab/control-plane/certificates.ts'
import { eventually, failureOf } from '../../support/eventually.ts'
import { readDaemonset } from '../../support/manifests.ts'
import { claimOf, expandingClaimOf, create, volumeOf } from './dry-runs.ts'
import { OURS, THEIRS, useInstalled, type Answer } from './installed.ts'
import {
  claim,
  CLASS,
  event,
  lease,
  nodeLocalStorage,
  PROVISIONER,
  SELECTED_NODE,
  storageCapacity,
} from './objects.ts'
import { REFUSED } from './refusals.ts'
import { newVolume, secret, withSpec } from './volume-refusals.ts'
import { WRITES } from './writes.ts'

const SECRETS: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'secrets',
  kind: 'Secret',
  namespaced: true,
}
const podWithClaim = (claimName: string): KubeObject & { readonly spec: unknown } => ({
  metadata: { namespace: 'default', name: 'user-of-the-claim' },
  spec: {
    nodeName: OURS,
    containers: [{ name: 'user', image: 'user' }],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
  },
})

interface Policy extends KubeObject {
  readonly status?: {
    readonly observedGeneration?: number
    readonly typeChecking?: { readonly expressionWarnings?: readonly unknown[] }
  }
}
const POLICIES: ResourceType = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  plural: 'validatingadmissionpolicies',
  kind: 'ValidatingAdmissionPolicy',
  namespaced: false,
}

const expectAllowed = ({ code, message }: Answer) => expect(code, message).to.be.within(200, 299)
const expectDenied = ({ code, message }: Answer, policy: string, reason: string) => {
  expect(message).to.contain(`ValidatingAdmissionPolicy 'loam-agent-${policy}'`).and.to.contain(reason)
  expect(code, message).to.equal(422)
}

describe('what an agent may write', function () {
  this.timeout(60_000)
  const installed = useInstalled()

  before(async function () {
    this.timeout(120_000)
    const { client } = installed.api
    const bound = { ...claimOf(OURS, 'bound'), spec: { ...claimOf(OURS).spec, volumeName: 'some' } }
    const foreign = claim('of-another-driver', { [SELECTED_NODE]: OURS, [PROVISIONER]: 'other.example' })
    const waiting = claim('of-no-node', { [PROVISIONER]: 'loam.storage' })
    const claims: KubeObject[] = [bound, foreign, waiting]
    for (const node of [OURS, THEIRS]) {
      claims.push(claimOf(node))
      await client.create(PERSISTENT_VOLUMES, volumeOf(node))
      await client.create(CSI_STORAGE_CAPACITIES, storageCapacity(node))
      await client.create(NODE_LOCAL_STORAGES, nodeLocalStorage(node))
      await client.create(EVENTS, event(node, `event-of-${node}`))
      await client.create(LEASES, lease(node))
    }
    for (const object of claims) await client.create(PERSISTENT_VOLUME_CLAIMS, object)
    for (const claim of [OURS, THEIRS].map(expandingClaimOf)) {
      await client.create(PERSISTENT_VOLUME_CLAIMS, claim)
      const status = { status: { phase: 'Bound', capacity: { storage: '4Mi' } } }
      const asStatus = { type: 'merge', subresource: 'status' } as const
      await client.patch(PERSISTENT_VOLUME_CLAIMS, claim.metadata, status, asStatus)
    }
    const kubelet = { ...event(OURS, 'event-of-kubelet'), reportingController: 'kubelet' }
    await client.create(EVENTS, kubelet)
    await eventually('every policy is in force', async () => {
      const answers = WRITES.map(async ([, , policy, , write]) => {
        const { message } = await installed.bound.send(write(THEIRS))
        return message.includes(`'loam-agent-${policy}'`) ? policy : undefined
      })
      const inForce = new Set(await Promise.all(answers))
      return WRITES.every(([, , policy]) => inForce.has(policy))
    })
  })

  it('is decided by policies that the API server finds no fault with', async () => {
    const policies = await eventually('type checking of the policies', async () => {
      const found: Policy[] = []
      await installed.api.client.list<Policy>(POLICIES, {}, (policy) => found.push(policy))
      const isChecked = ({ metadata, status }: Policy) => status?.observedGeneration === metadata.generation
      return found.length === 7 && found.every(isChecked) && found
    })
    for (const { metadata, status } of policies)
      expect(status?.typeChecking?.expressionWarnings ?? [], metadata.name ?? '').to.deep.equal([])
  })

  it('is all that its rights give, each tried on its own node and on another one', async () => {
    const writing = new Set(['create', 'update', 'patch', 'delete', 'deletecollection'])
    const granted = (await readDaemonset()).flatMap(({ rules = [] }) =>
      rules.flatMap(({ resources, verbs }) =>
        resources.flatMap((resource) =>
          verbs.filter((verb) => writing.has(verb)).map((verb) => `${resource} ${verb}`),
        ),
      ),
    )
    const tried = new Set(WRITES.map(([resource, verb]) => `${resource} ${verb}`))
    expect([...tried]).to.have.members(granted)
  })

  for (const [resource, verb, policy, how, write] of WRITES)
    it(`is a ${verb} of ${resource} ${how} on its own node, and with its own token, only`, async () => {
      expectAllowed(await installed.bound.send(write(OURS)))
      expectDenied(await installed.bound.send(write(THEIRS)), policy, OURS)
      expectDenied(await installed.unbound.send(write(OURS)), policy, 'not bound to a pod on a node')
      const { code, message } = await installed.stranger.send(write(OURS))
      expect(code).to.equal(403)
      expect(message).to.match(/:stranger" cannot \w+ resource/)
    })

  for (const [policy, what, reason, request] of REFUSED)
    it(`is not, in ${policy}: ${what}`, async () => {
      expectDenied(await installed.bound.send(request), policy, reason)
    })

  it('is no volume that names a Secret, because kubelet may read what the volumes of its pods name', async () => {
    const { api } = installed
    const volume = withSpec(newVolume, { csi: { ...newVolume.spec.csi, nodePublishSecretRef: secret } })
    const { directory } = api.server
    await makeCertificate(directory, { name: 'kubelet', subject: `/O=system:nodes/CN=system:node:${OURS}` })
    const [ca, cert, key] = await Promise.all(
      ['ca.crt', 'kubelet.crt', 'kubelet.key'].map((file) => readFile(join(directory, file), 'utf8')),
    )
    const tls = { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), key }
    const connection = {
      server: new URL(`https://127.0.0.1:${api.server.port}`),
      credentials: () => Promise.resolve({ tls }),
      renew: () => undefined,
    }
    const kubelet = createTransport({ connection })
    try {
      const readSecret = () => createKubeClient(kubelet).get(SECRETS, secret)
      await api.client.create(SECRETS, { metadata: secret })
      await api.client.create(PODS, podWithClaim(claimOf(OURS).metadata.name))
      await failureOf(readSecret(), Forbidden)
      // The administrator does what the policy keeps the agent from.
      await api.client.create(PERSISTENT_VOLUMES, volume)
      await eventually('kubelet may read the Secret', () => readSecret().catch(() => false as const))
    } finally {
      kubelet.close()
    }
    expectDenied(
      await installed.bound.send(create(PERSISTENT_VOLUMES, volume)),
      'persistent-volumes',
      'names no Secret',
    )
  })

  it('has the name that the code gives it also where that was cut', async () => {
    // The last two are cut behind a dot and behind dashes, which the code takes off.
    const long = ['a'.repeat(200), 'a'.repeat(245), 'a'.repeat(239), `${'a'.repeat(238)}--b`]
    for (const storageClassName of [CLASS, 'a.b', ...long])
      for (const request of [
        create(NODE_LOCAL_STORAGES, nodeLocalStorage(OURS, storageClassName)),
        create(CSI_STORAGE_CAPACITIES, storageCapacity(OURS, storageClassName)),
      ]) {
        const { code, message } = await installed.bound.send(request)
        // 409: it is there already, and the policy had nothing against it.
        expect([201, 409], message).to.include(code)
      }
  })
})
