import { expect } from 'chai'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { ClaimsInFlight } from '../../../scheduler/claims-in-flight.ts'
import { GroupRooms } from '../../../scheduler/group-rooms.ts'
import { GroupOnNode, type ClassReport } from '../../../scheduler/groups-on-nodes.ts'
import type { NodeView } from '../../../scheduler/node-view.ts'
import { placeClaim, type Placement, type PlacementSituation } from '../../../scheduler/placement.ts'
import { classOf, claimOf, copyOf, reportOf } from './fixture.ts'

const NODES: Readonly<Record<string, NodeView>> = {
  node1: { labels: { zone: 'a' }, unfit: undefined },
  node2: { labels: { zone: 'b' }, unfit: undefined },
  node3: { labels: { zone: 'b' }, unfit: 'is cordoned' },
}

interface Told extends Omit<PlacementSituation, 'reports' | 'roomIn'> {
  readonly reports: readonly NodeLocalStorage[]
  readonly inFlight: ClaimsInFlight
}

const withGroup = (report: NodeLocalStorage): ClassReport => {
  const group = new GroupOnNode(report.spec.nodeName, report.spec.volumeGroup)
  group.set(report)
  return { report, group }
}

const place = (other: Partial<Told> = {}): Placement => {
  const { reports, inFlight, ...situation }: Told = {
    claim: claimOf('10Mi'),
    storageClass: classOf(),
    reports: [reportOf('node1', '20Mi'), reportOf('node2', '30Mi'), reportOf('node3', '90Mi')],
    node: (name) => NODES[name],
    inFlight: new ClaimsInFlight(),
    refusedBy: new Set(),
    ...other,
  }
  const rooms = new GroupRooms(copyOf({ fast: classOf() }), inFlight)
  return placeClaim({ ...situation, reports: reports.map(withGroup), roomIn: (group) => rooms.of(group) })
}
const coming = (storage: string, nodeName: string): ClaimsInFlight => {
  const inFlight = new ClaimsInFlight()
  inFlight.assume(claimOf(storage, { uid: 'other', resourceVersion: '3' }), nodeName)
  return inFlight
}
const on = (nodeName: string): Placement => ({ kind: 'place', nodeName })
const onlyB = classOf({ allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }] })

describe('scheduler/placement', () => {
  const CASES: readonly [what: string, situation: Partial<Told>, placement: Placement][] = [
    ['the roomiest node that takes something new', {}, on('node2')],
    ['what is on its way counts as taken', { inFlight: coming('21Mi', 'node2') }, on('node1')],
    ['a node that gave the claim back comes last', { refusedBy: new Set(['node2']) }, on('node1')],
    [
      'but comes, where there is no other',
      { refusedBy: new Set(['node2']), reports: [reportOf('node2', '30Mi')] },
      on('node2'),
    ],
    ['a claim that fits exactly', { claim: claimOf('30Mi') }, on('node2')],
    ['allowedTopologies are honoured', { storageClass: onlyB }, on('node1')],
    [
      'of equals the first by name',
      { reports: [reportOf('node2', '20Mi'), reportOf('node1', '20Mi')] },
      on('node1'),
    ],
    [
      'nowhere, without disks',
      { storageClass: classOf({ metadata: { name: 'slow', uid: 'x' } }), reports: [] },
      {
        kind: 'nowhere',
        message: 'no node can have 10Mi of StorageClass "slow": no node has disks for this class',
      },
    ],
    ['a size that is none is for the agent to refuse', { claim: claimOf('much') }, on('node2')],
  ]
  for (const [what, situation, placement] of CASES)
    it(`chooses: ${what}`, () => {
      expect(place(situation)).to.deep.equal(placement)
    })

  it('says for each node why it cannot have the claim', () => {
    const notReady = { status: 'False', reason: 'Frozen' } as const
    const situation = {
      claim: claimOf('95Mi'),
      storageClass: onlyB,
      reports: [
        ...[reportOf('node1', '20Mi'), reportOf('node2', '30Mi'), reportOf('node3', '90Mi')],
        ...[reportOf('gone', '99Mi'), { ...reportOf('node1', '99Mi', notReady) }],
      ],
    }
    const { message } = place(situation) as { message: string }
    expect(message)
      .to.match(/^no node can have 95Mi of StorageClass "fast": /)
      .and.to.contain('node1 has 20 MiB')
      .and.to.contain('node1 is not ready for volumes (Frozen)')
      .and.to.contain("node2 is not among the class's allowedTopologies")
      .and.to.contain('node3 is cordoned')
      .and.to.contain('gone does not exist')
  })

  it('names eight nodes, the roomiest first, and counts the rest', () => {
    const reports = Array.from({ length: 20 }, (_, at) => reportOf(`n${at}`, `${at}Mi`))
    const { message } = place({ claim: claimOf('1Gi'), reports, node: () => NODES.node1 }) as {
      message: string
    }
    expect(message).to.match(/: n19 has 19 MiB, .*n12 has 12 MiB, and 12 more$/)
  })
})
