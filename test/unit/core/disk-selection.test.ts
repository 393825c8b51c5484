import { expect } from 'chai'
import { disksForNode, type DiskSelection } from '../../../core/disk-selection.ts'

const selections: DiskSelection[] = [
  { nodes: { names: ['node1', 'node2'] }, paths: ['/dev/sda', '/dev/sdb'] },
  { nodes: { selector: { tier: 'fast', zone: 'a' } }, paths: ['/dev/sdb', '/dev/sdc'] },
]

describe('core/disk-selection', () => {
  it('gives a node named the disks of its entry', () => {
    expect(disksForNode(selections, 'node2', {})).to.deep.equal(['/dev/sda', '/dev/sdb'])
  })

  it('needs every label of a selector', () => {
    expect(disksForNode(selections, 'node3', { tier: 'fast' })).to.deep.equal([])
    expect(disksForNode(selections, 'node3', { tier: 'fast', zone: 'a', more: '1' })).to.deep.equal([
      '/dev/sdb',
      '/dev/sdc',
    ])
  })

  it('lists a disk once when two entries name it', () => {
    expect(disksForNode(selections, 'node1', { tier: 'fast', zone: 'a' })).to.deep.equal([
      '/dev/sda',
      '/dev/sdb',
      '/dev/sdc',
    ])
  })
})
