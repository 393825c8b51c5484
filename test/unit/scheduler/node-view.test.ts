import { expect } from 'chai'
import { viewNode, type Node } from '../../../scheduler/node-view.ts'

const node = (other: Partial<Node> = {}): Node => ({
  metadata: { name: 'node1', labels: { zone: 'a' } },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
  ...other,
})

describe('scheduler/node-view', () => {
  it('keeps the labels of a node that takes something new', () => {
    expect(viewNode(node())).to.deep.equal({ labels: { zone: 'a' }, unfit: undefined })
  })

  const UNFIT: readonly [why: string, node: Node][] = [
    ['is cordoned', node({ spec: { unschedulable: true } })],
    ['is not Ready', node({ status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } })],
    ['is not Ready', { metadata: { name: 'node1' } }],
    ['is being deleted', node({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })],
  ]
  for (const [why, unfit] of UNFIT)
    it(`says that one ${why}`, () => {
      expect(viewNode(unfit).unfit).to.equal(why)
    })
})
