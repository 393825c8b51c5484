import { expect } from 'chai'
import { differingLists, otherLists } from '../../../agent/disk-lists.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'

const report = (name: string, volumeGroup: string, ...paths: string[]): NodeLocalStorage => ({
  metadata: { name },
  spec: {
    nodeName: 'node1',
    storageClassName: name,
    volumeGroup,
    layout: 'linear',
    disks: paths.map((path) => ({ path })),
  },
})

describe('agent/disk-lists', () => {
  const fast = report('fast', 'shared', '/dev/a', '/dev/b')

  it('agrees with the same disks in another order, with none, and with those of other groups', () => {
    const others = [
      report('same', 'shared', '/dev/b', '/dev/a'),
      report('user', 'shared'),
      report('slow', 'own', '/dev/c'),
    ]
    expect(differingLists(fast, others)).to.equal(undefined)
  })

  it('says who lists what when two lists for one group differ', () => {
    const problem = differingLists(fast, [report('longer', 'shared', '/dev/a', '/dev/b', '/dev/c')])
    expect(problem?.reason).to.equal('ListsDiffer')
    expect(problem?.message)
      .to.contain('fast lists /dev/a, /dev/b')
      .and.to.contain('longer lists /dev/a, /dev/b, /dev/c')
  })

  it('knows which disks are meant for other groups', () => {
    const others = [
      report('same', 'shared', '/dev/a'),
      report('slow', 'own', '/dev/c'),
      report('user', 'third'),
    ]
    expect(otherLists(fast, others)).to.deep.equal([{ groupName: 'own', paths: ['/dev/c'] }])
  })
})
