import { expect } from 'chai'
import { storageCapacityFor } from '../../../agent/storage-capacity.ts'

describe('agent/storage-capacity', () => {
  it('tells the scheduler what fits on this node, and goes when the Node goes', () => {
    const object = storageCapacityFor({
      identity: { nodeName: 'node1', clusterId: 'c', namespace: 'loam-system' },
      nodeUid: 'node-uid',
      storageClassName: 'fast',
      capacity: {
        ...{ sizeBytes: 4n << 30n, freeBytes: 2n << 30n, usableBytes: 1n << 30n },
        ...{ largestVolumeBytes: 512n << 20n, volumes: 1 },
      },
    })
    expect(object.metadata).to.deep.include({
      namespace: 'loam-system',
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'node1', uid: 'node-uid' }],
    })
    expect(object).to.deep.include({
      storageClassName: 'fast',
      nodeTopology: { matchLabels: { 'topology.loam.storage/node': 'node1' } },
      capacity: '1Gi',
      maximumVolumeSize: '512Mi',
    })
  })
})
