import { expect } from 'chai'
import type { ClassOnNode } from '../../../agent/class-on-node.ts'
import { nodeLocalStorageFor } from '../../../agent/node-local-storage.ts'
import { ReportWriter } from '../../../agent/report-writer.ts'
import { silentLogger } from '../../../core/logger.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { Conflict } from '../../../kube/errors.ts'
import type { EventRequest, KubeClient, ObjectStore } from '../../../kube/types.ts'
import type { NodeVolumes } from '../../../lvm/types.ts'

const identity = { nodeName: 'node1', clusterId: 'c', namespace: 'loam-system' }
const parameters = { volumeGroup: 'loam-fast', layout: { name: 'linear' } } as const
const made = nodeLocalStorageFor(identity, 'fast', parameters, ['/dev/sda'])
const name = made.metadata.name ?? ''

const findings = (message: string, reason = 'NoUsableDisk') => {
  const state: ClassOnNode = {
    ...{ name: 'fast', storageClass: undefined, nodeUid: 'n', generation: 1, disks: [], group: undefined },
    problem: { reason, message },
  }
  return { state, inventory: { groups: [], volumes: [], unseen: [] } }
}

/** The API server's part: versions, and the order of keys that it gives back. */
class Server {
  object: NodeLocalStorage
  reads = 0
  writes = 0
  #version = 1

  constructor() {
    this.object = { ...made, metadata: { ...made.metadata, uid: 'u', resourceVersion: '1' } }
  }

  readonly client = {
    get: () => {
      this.reads += 1
      return Promise.resolve(this.object)
    },
    patch: (_type: unknown, _name: unknown, patch: NodeLocalStorage) => {
      if (patch.metadata.resourceVersion !== this.object.metadata.resourceVersion)
        return Promise.reject(new Conflict('report', 'another version'))
      this.writes += 1
      const status = JSON.parse(
        JSON.stringify(patch.status, (_key, value: unknown) =>
          value !== null && typeof value === 'object' && !Array.isArray(value)
            ? Object.fromEntries(Object.entries(value).sort())
            : value,
        ),
      ) as NonNullable<NodeLocalStorage['status']>
      this.touch({ status })
      return Promise.resolve(this.object)
    },
  } as unknown as KubeClient

  touch(change: Partial<NodeLocalStorage>): void {
    this.#version += 1
    const metadata = { ...this.object.metadata, resourceVersion: `${this.#version}` }
    this.object = { ...this.object, ...change, metadata }
  }
}

describe('agent/report-writer', () => {
  let server: Server
  let stored: NodeLocalStorage | undefined
  let events: EventRequest[]
  let tried: Promise<void>

  const writer = (): ReportWriter => {
    const store = { get: () => stored } as unknown as ObjectStore<NodeLocalStorage>
    const recorder = {
      record: (event: EventRequest) => void events.push(event),
      flush: () => Promise.resolve(),
    }
    const volumes = {} as NodeVolumes
    const ports = { client: server.client, volumes, events: recorder, log: silentLogger }
    const owners = { claimed: () => new Set<string>(), held: () => new Map<string, string>() }
    const ownNode = { problem: () => undefined, tried: () => tried }
    return new ReportWriter(ports, identity, store, owners, ownNode)
  }

  beforeEach(() => {
    server = new Server()
    stored = server.object
    events = []
    tried = Promise.resolve()
  })

  it('writes what differs from the store without reading it first, and tells it', async () => {
    await writer().write(findings('one'))
    expect([server.reads, server.writes]).to.deep.equal([0, 1])
    expect(events.map(({ reason, regarding }) => [reason, regarding.name, regarding.uid])).to.deep.equal([
      ['NoUsableDisk', name, 'u'],
    ])
  })

  it('writes and tells nothing again, whether the store has the write or not, nor after a restart', async () => {
    const first = writer()
    await first.write(findings('one'))
    await first.write(findings('one'))
    stored = server.object
    await first.write(findings('one'))
    await writer().write(findings('one'))
    expect([server.reads, server.writes, events.length]).to.deep.equal([0, 1, 1])
  })

  it('decides again from a fresh read when somebody changed the object', async () => {
    server.touch({ spec: { ...made.spec, disks: [] } })
    await writer().write(findings('one'))
    expect([server.reads, server.writes, events.length]).to.deep.equal([1, 1, 1])
  })

  it('puts right what somebody wrote into the status', async () => {
    const first = writer()
    await first.write(findings('one'))
    server.touch({ status: {} })
    stored = server.object
    await first.write(findings('one'))
    expect(server.writes).to.equal(2)
    expect(server.object.status?.conditions).to.have.length.above(5)
  })

  it('asks to wait when it would write too often, and then writes what is so by then', async () => {
    const first = writer()
    const answers = []
    for (const message of ['1', '2', '3', '4', '5']) answers.push(await first.write(findings(message)))
    expect(answers.map((answer) => answer === undefined)).to.deep.equal([true, true, true, true, false])
    expect(server.writes).to.equal(4)
    expect(events).to.have.length(1)
  })

  describe('while volumes come', () => {
    const group = (freeExtents: bigint, seqno: number) => {
      const state: ClassOnNode = {
        ...{
          name: 'fast',
          storageClass: undefined,
          nodeUid: 'n',
          generation: 1,
          disks: [],
          problem: undefined,
        },
        group: {
          ...{
            name: 'loam-fast',
            uuid: 'g',
            sizeBytes: 1n << 30n,
            freeBytes: freeExtents << 22n,
            seqno,
            tags: [],
          },
          ...{ extentSizeBytes: 4n << 20n, missingPhysicalVolumes: 0 },
          physicalVolumes: [
            {
              ...{ uuid: 'p', devicePath: '/dev/sda', sizeBytes: 1n << 30n, freeBytes: freeExtents << 22n },
              ...{ firstExtentAtBytes: 0n, missing: false, allocatable: true, tags: [] },
              freeRuns: [{ first: 0n, count: freeExtents }],
            },
          ],
        },
      }
      return { state, inventory: { groups: [], volumes: [], unseen: [] } }
    }
    const wait = (answer: { againAfterMs: number } | undefined): number => answer?.againAfterMs ?? 0

    it('writes every few seconds, and news at once', async () => {
      const first = writer()
      expect(wait(await first.write(group(100n, 1)))).to.equal(0)
      const waits = []
      for (const seqno of [2, 3, 4, 5])
        waits.push(wait(await first.write(group(100n - BigInt(seqno), seqno))))
      expect(waits).to.deep.equal([0, 0, 4000, 4000])
      expect(wait(await first.write(group(99n, 6))), 'more is free').to.equal(0)
      expect(server.writes).to.equal(4)
    })

    it('waits only shortly for what its caller calls news', async () => {
      const first = writer()
      const waits = []
      for (const seqno of [1, 2, 3, 4, 5])
        waits.push(wait(await first.write(group(100n - BigInt(seqno), seqno), true)))
      expect(waits).to.deep.equal([0, 0, 0, 0, 2000])
    })
  })

  it('waits until the policies were tried, so that the first report says what came of it', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    tried = promise
    const writing = writer().write(findings('one'))
    await new Promise((done) => setImmediate(done))
    expect(server.writes).to.equal(0)
    resolve(undefined)
    await writing
    expect(server.writes).to.equal(1)
  })

  it('reads the object when the store does not have it yet', async () => {
    stored = undefined
    await writer().write(findings('one'))
    expect([server.reads, server.writes]).to.deep.equal([1, 1])
  })
})
