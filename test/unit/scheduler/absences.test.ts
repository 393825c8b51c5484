import { expect } from 'chai'

import type { KubeObject, ObjectName, ResourceType } from '../../../kube/types.ts'
import { Absences, SILENT_AFTER_MS } from '../../../scheduler/absences.ts'

const LEASE = 'loam-system/loam-agent-n1'

describe('absences', () => {
  let clockMs: number
  let heldForMs: number
  /** What a quorum read gives, by kind and name. */
  let server: Map<string, KubeObject>
  let reads: string[]
  /** What happens while a read is under way. */
  let meanwhile: () => void
  /** Versions of Leases as the watch has them. */
  let watched: Map<string, string>
  let nodes: Set<string>
  let absences: Absences

  const lease = (resourceVersion: string): KubeObject => ({
    metadata: { name: 'loam-agent-n1', resourceVersion },
  })

  beforeEach(() => {
    clockMs = 1_000_000
    heldForMs = 10 * SILENT_AFTER_MS
    server = new Map([
      ['Node n1', { metadata: { name: 'n1' } }],
      ['Lease loam-agent-n1', lease('7')],
    ])
    watched = new Map([[LEASE, '7']])
    nodes = new Set(['n1'])
    reads = []
    meanwhile = () => undefined
    absences = new Absences({
      client: {
        get: <T extends KubeObject>({ kind }: ResourceType, { name }: ObjectName) => {
          reads.push(`${kind} ${name}`)
          meanwhile()
          return Promise.resolve(server.get(`${kind} ${name}`) as T | undefined)
        },
      },
      namespace: 'loam-system',
      lease: { isHeld: () => true, heldForMs: () => heldForMs },
      stores: {
        nodes: { get: (name) => (nodes.has(name) ? { labels: {}, unfit: undefined } : undefined) },
        agentLeases: {
          get: (key) => {
            const resourceVersion = watched.get(key)
            return resourceVersion === undefined ? undefined : { nodeName: 'n1', resourceVersion }
          },
        },
      },
      now: () => clockMs,
    })
  })

  it('finds an agent silent when its Lease has not changed for so long, and not a moment before', async () => {
    absences.heard('n1')
    clockMs += SILENT_AFTER_MS - 1
    expect(await absences.of('n1')).to.equal(undefined)
    expect(reads).to.deep.equal([])
    clockMs += 1
    expect(await absences.of('n1')).to.deep.equal({
      reason: 'AgentSilent',
      what: 'the agent of node "n1" has given no sign of life for 120 s',
    })
    absences.heard('n1')
    expect(await absences.of('n1')).to.equal(undefined)
  })

  it('believes a quorum read, and not a watch that is behind', async () => {
    server.set('Lease loam-agent-n1', lease('8'))
    expect(await absences.of('n1')).to.equal(undefined)
    watched.set(LEASE, '8')
    expect(await absences.of('n1'), 'it has just been heard of').to.equal(undefined)
    clockMs += SILENT_AFTER_MS
    expect(await absences.of('n1')).to.have.property('reason', 'AgentSilent')
  })

  it('takes a renewal that the watch brings while it reads for a sign of life', async () => {
    meanwhile = () => {
      server.set('Lease loam-agent-n1', lease('8'))
      watched.set(LEASE, '8')
      absences.heard('n1')
    }
    expect(await absences.of('n1')).to.equal(undefined)
  })

  it('concludes nothing from the time when it could not renew its own Lease', async () => {
    heldForMs = SILENT_AFTER_MS - 1
    expect(await absences.of('n1')).to.equal(undefined)
    heldForMs = 0
    expect(await absences.of('n1')).to.equal(undefined)
  })

  it('finds an agent silent that never had a Lease', async () => {
    server.delete('Lease loam-agent-n1')
    watched.delete(LEASE)
    expect(await absences.of('n1')).to.have.property('reason', 'AgentSilent')
  })

  it('finds a node gone when neither the watch nor a quorum read has it', async () => {
    absences.heard('n1')
    nodes.delete('n1')
    expect(await absences.of('n1'), 'the watch is behind').to.equal(undefined)
    server.delete('Node n1')
    expect(await absences.of('n1')).to.deep.equal({
      reason: 'NodeGone',
      what: 'node "n1" does not exist (any more)',
    })
  })

  it('says when to look again: when silence can be, and then once a minute', () => {
    absences.heard('n1')
    clockMs += 20_000
    expect(absences.lookAgainMs('n1')).to.equal(SILENT_AFTER_MS - 20_000 + 1000)
    clockMs += SILENT_AFTER_MS
    expect(absences.lookAgainMs('n1')).to.equal(60_000)
  })
})
