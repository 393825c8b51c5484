import { expect } from 'chai'
import { FOREIGN_WRITES } from '../../../agent/foreign-writes.ts'
import { OwnNodeCheck } from '../../../agent/own-node-check.ts'
import type { ClaimView } from '../../../kube/claim-view.ts'
import { silentLogger } from '../../../core/logger.ts'
import { Forbidden, Invalid, NotFound, Unavailable } from '../../../kube/errors.ts'
import type { KubeClient, ObjectStore, ResourceType } from '../../../kube/types.ts'

const identity = { nodeName: 'node1', clusterId: 'c', namespace: 'loam-system' }
const claim = { namespace: 'shop', name: 'cart', uid: 'u' } as ClaimView

/** The policy that the manifests have for a kind, or for a subresource of it. */
const POLICY_OF: Readonly<Record<string, string>> = {
  PersistentVolume: 'loam-agent-persistent-volumes',
  PersistentVolumeClaim: 'loam-agent-persistent-volume-claims',
  'PersistentVolumeClaim/status': 'loam-agent-persistent-volume-claims-status',
  CSIStorageCapacity: 'loam-agent-storage-capacities',
  NodeLocalStorage: 'loam-agent-node-local-storages',
  Event: 'loam-agent-events',
  Lease: 'loam-agent-leases',
}
const refusal = (kind: string) =>
  new Invalid(kind, `ValidatingAdmissionPolicy '${POLICY_OF[kind] ?? ''}' with binding 'x' denied request`)

/** What a real API server answers is shown in test/cluster/agent; here are answers that it cannot be made to give. */
describe('agent/own-node-check', () => {
  let answers: Record<string, Error | undefined>
  let sent: [kind: string, dryRun: unknown][]
  let claims: Map<string, ClaimView>
  let lines: string[]

  const check = (): OwnNodeCheck => {
    const answer = (kind: string, options: { dryRun?: true } = {}): Promise<unknown> => {
      sent.push([kind, options.dryRun])
      const error = answers[kind]
      return error === undefined ? Promise.resolve({}) : Promise.reject(error)
    }
    const client = {
      create: ({ kind }: ResourceType, _object: unknown, options: { dryRun?: true }) => answer(kind, options),
      patch: (
        { kind }: ResourceType,
        _name: unknown,
        _patch: unknown,
        options: { dryRun?: true; subresource?: string },
      ) => answer(options.subresource === undefined ? kind : `${kind}/${options.subresource}`, options),
    } as unknown as KubeClient
    const log = {
      ...silentLogger,
      info: (line: string) => void lines.push(`info ${line}`),
      warn: (line: string) => void lines.push(`warn ${line}`),
    }
    return new OwnNodeCheck({ client, identity, claims: claims as unknown as ObjectStore<ClaimView>, log })
  }

  beforeEach(() => {
    answers = Object.fromEntries(Object.keys(POLICY_OF).map((kind) => [kind, refusal(kind)]))
    sent = []
    claims = new Map([['shop/cart', claim]])
    lines = []
  })

  it('tries one write for each policy, and each as a dry run', async () => {
    expect(FOREIGN_WRITES.map(({ policy }) => policy)).to.have.members(Object.values(POLICY_OF))
    await check().look()
    expect(sent).to.have.deep.members(Object.keys(POLICY_OF).map((kind) => [kind, true]))
  })

  it('is well when each is refused by its policy, and says so once', async () => {
    const all = check()
    expect(all.problem()).to.include({ isKnown: false, reason: 'NotTried' })
    expect([await all.look(), await all.look()]).to.deep.equal([true, false])
    expect(all.problem()).to.equal(undefined)
    expect(lines).to.deep.equal(['info the API server holds this agent to its own node'])
  })

  it('names the policies that let a write through, and says so once', async () => {
    answers.Lease = undefined
    answers.PersistentVolume = undefined
    const some = check()
    expect([await some.look(), await some.look()]).to.deep.equal([true, false])
    expect(some.problem()).to.include({ isKnown: true, reason: 'PoliciesNotEnforced' })
    expect(some.problem()?.message).to.match(
      /nothing enforces loam-agent-persistent-volumes, loam-agent-leases\..*Apply daemonset/,
    )
    expect(lines).to.deep.equal(['warn the API server may not hold this agent to its own node'])
  })

  it('is tried once for all who wait for it', async () => {
    const first = check()
    await Promise.all([first.tried(), first.tried()])
    await first.tried()
    expect(sent).to.have.length(FOREIGN_WRITES.length)
    expect(first.problem()).to.equal(undefined)
  })

  it('takes no other refusal for that of the policy', async () => {
    answers.Event = new Forbidden('Event', 'cannot create resource "events"')
    const other = check()
    await other.look()
    expect(other.problem()).to.deep.include({ isKnown: false, reason: 'NotTried' })
    expect(other.problem()?.message).to.contain('cannot create resource "events"')
  })

  it('forgets nothing while the API server is away', async () => {
    answers.Lease = undefined
    const away = check()
    await away.look()
    const before = away.problem()
    for (const kind of Object.keys(answers)) answers[kind] = new Unavailable(kind, 'no answer')
    expect(await away.look()).to.equal(false)
    expect(away.problem()).to.deep.equal(before)
  })

  it('needs no claim, nor one that stays', async () => {
    claims = new Map()
    const without = check()
    await without.look()
    expect(without.problem()).to.equal(undefined)
    claims = new Map([['shop/cart', claim]])
    answers.PersistentVolumeClaim = new NotFound('PersistentVolumeClaim "shop/cart"', 'is gone')
    const gone = check()
    await gone.look()
    expect(gone.problem()).to.equal(undefined)
  })
})
