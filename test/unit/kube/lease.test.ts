import { expect } from 'chai'
import { HeldLease, type Lease } from '../../../kube/lease.ts'
import { silentLogger } from '../../../core/logger.ts'
import { Conflict, Unavailable } from '../../../kube/errors.ts'
import type { KubeClient, ResourceType } from '../../../kube/types.ts'

const name = { namespace: 'loam-system', name: 'loam-agent-node1' }
const OWNER = { apiVersion: 'v1', kind: 'Node', name: 'node1', uid: 'node-uid' }
const owners = () => Promise.resolve([OWNER])

/** One Lease with versions, as the API server keeps it; a time of 60 s cannot be had from a real one in a test. */
class Server {
  lease: Lease | undefined
  writes = 0
  reads = 0
  isAway = false
  #version = 0

  readonly client = {
    get: () => {
      if (this.isAway) return Promise.reject(new Unavailable('lease', 'no answer'))
      this.reads += 1
      return Promise.resolve(this.lease)
    },
    create: (_type: ResourceType, lease: Lease) => this.#store({}, lease),
    patch: (_type: ResourceType, _name: unknown, patch: Lease) => {
      if (patch.metadata.resourceVersion !== this.lease?.metadata.resourceVersion)
        return Promise.reject(new Conflict('lease', 'another version'))
      return this.#store(this.lease ?? {}, patch)
    },
  } as unknown as KubeClient

  /** As another agent would. */
  write(spec: NonNullable<Lease['spec']>): void {
    void this.#store(this.lease ?? {}, { metadata: {}, spec })
  }

  #store(before: Partial<Lease>, change: Lease): Promise<Lease> {
    if (this.isAway) return Promise.reject(new Unavailable('lease', 'no answer'))
    this.writes += 1
    this.#version += 1
    const metadata = { ...before.metadata, ...change.metadata, resourceVersion: `${this.#version}` }
    this.lease = { metadata, spec: { ...before.spec, ...change.spec } }
    return Promise.resolve(this.lease)
  }
}

describe('kube/lease', () => {
  let server: Server
  let clockMs: number
  const leaseOf = (holder: string): HeldLease =>
    new HeldLease({ client: server.client, name, owners, holder, log: silentLogger, now: () => clockMs })
  const holderNow = () => server.lease?.spec?.holderIdentity

  beforeEach(() => {
    server = new Server()
    clockMs = 1_000_000
  })

  it('is not held before it was taken, and has its owner when it is', async () => {
    const lease = leaseOf('a')
    expect(lease.isHeld()).to.equal(false)
    await lease.renew()
    expect(lease.isHeld()).to.equal(true)
    expect(server.lease?.metadata).to.deep.include({ name: 'loam-agent-node1', namespace: 'loam-system' })
    expect(server.lease?.metadata.ownerReferences).to.deep.equal([OWNER])
    expect(server.lease?.spec).to.include({ holderIdentity: 'a', leaseDurationSeconds: 60 })
    expect(server.lease?.spec?.renewTime).to.match(/^\d{4}-.*\.\d{6}Z$/)
  })

  it('costs one write a renewal and no read', async () => {
    const lease = leaseOf('a')
    await lease.renew()
    const { reads } = server
    await lease.renew()
    await lease.renew()
    expect([server.reads - reads, server.writes]).to.deep.equal([0, 3])
  })

  it('lapses for its holder before it does for others when it cannot be renewed, and comes back', async () => {
    const lease = leaseOf('a')
    await lease.renew()
    server.isAway = true
    clockMs += 39_000
    await lease.renew()
    expect(lease.isHeld()).to.equal(true)
    clockMs += 2000
    expect(lease.isHeld()).to.equal(false)
    server.isAway = false
    await lease.renew()
    expect(lease.isHeld()).to.equal(true)
  })

  it('is counted from before a renewal was sent, however long its answer took', async () => {
    const slow: KubeClient = {
      ...server.client,
      create: async (type, object) => {
        clockMs += 41_000
        return server.client.create(type, object)
      },
    }
    const lease = new HeldLease({
      client: slow,
      name,
      owners,
      holder: 'a',
      log: silentLogger,
      now: () => clockMs,
    })
    await lease.renew()
    expect(lease.isHeld()).to.equal(false)
  })

  it('of another pod is taken over only after it was seen unchanged for its whole time', async () => {
    server.write({
      holderIdentity: 'old',
      leaseDurationSeconds: 60,
      renewTime: '2020-01-01T00:00:00.000000Z',
    })
    const lease = leaseOf('new')
    await lease.renew()
    clockMs += 59_000
    await lease.renew()
    expect([lease.isHeld(), holderNow()]).to.deep.equal([false, 'old'])
    clockMs += 2000
    await lease.renew()
    expect([lease.isHeld(), holderNow()]).to.deep.equal([true, 'new'])
    expect(server.lease?.spec?.leaseTransitions).to.equal(1)
  })

  it('of another pod that still renews is never taken', async () => {
    const [old, young] = [leaseOf('old'), leaseOf('new')]
    for (let times = 0; times < 10; times += 1) {
      await old.renew()
      await young.renew()
      clockMs += 20_000
    }
    expect([old.isHeld(), young.isHeld(), holderNow()]).to.deep.equal([true, false, 'old'])
  })

  it('is lost at once when another has taken it', async () => {
    const lease = leaseOf('a')
    await lease.renew()
    server.write({ holderIdentity: 'b', leaseDurationSeconds: 60 })
    await lease.renew()
    await lease.renew()
    expect([lease.isHeld(), holderNow()]).to.deep.equal([false, 'b'])
  })

  it('is given back on a clean stop, so that the next need not wait; a restart of the same pod never waits', async () => {
    const first = leaseOf('a')
    await first.renew()
    const restarted = leaseOf('a')
    await restarted.renew()
    expect(restarted.isHeld()).to.equal(true)
    await restarted.release()
    expect([restarted.isHeld(), holderNow()]).to.deep.equal([false, null])
    const next = leaseOf('b')
    await next.renew()
    expect(next.isHeld()).to.equal(true)
  })

  it('counts for how long it was held without a break', async () => {
    const lease = leaseOf('a')
    expect(lease.heldForMs()).to.equal(0)
    await lease.renew()
    clockMs += 30_000
    await lease.renew()
    expect(lease.heldForMs()).to.equal(30_000)
    server.isAway = true
    clockMs += 39_999
    await lease.renew()
    expect(lease.heldForMs()).to.equal(69_999)
    clockMs += 1
    expect(lease.heldForMs(), 'it lapsed').to.equal(0)
    server.isAway = false
    await lease.renew()
    clockMs += 5
    expect(lease.heldForMs(), 'it begins anew').to.equal(5)
  })
})
