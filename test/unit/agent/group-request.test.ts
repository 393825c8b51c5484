import { expect } from 'chai'
import { ACCEPT_METADATA, groupRequestFor } from '../../../agent/group-request.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'

type GroupStatus = NonNullable<NonNullable<NodeLocalStorage['status']>['volumeGroup']>
const volumeGroup = { name: 'loam-fast', uuid: 'g1', seqno: 9, digest: 'v1-a' } as GroupStatus

const report = (change: Partial<NodeLocalStorage> = {}): NodeLocalStorage => ({
  apiVersion: 'loam.storage/v1alpha1',
  kind: 'NodeLocalStorage',
  metadata: { name: 'fast.node1-1' },
  spec: {
    nodeName: 'node1',
    storageClassName: 'fast',
    volumeGroup: 'loam-fast',
    layout: 'linear',
    disks: [{ path: '/dev/sda' }],
  },
  ...change,
})

describe('agent/group-request', () => {
  it('asks for the group of the object and for its disks', () => {
    const request = groupRequestFor('c', report(), [])
    expect(request).to.include({ name: 'loam-fast', clusterId: 'c' })
    expect(request.disks).to.deep.equal([{ path: '/dev/sda' }])
    expect(request).not.to.have.any.keys('expectedGroupUuid', 'expectedMark')
  })

  it('hands on which group was there before, and where its metadata stood', () => {
    expect(groupRequestFor('c', report({ status: { volumeGroup } }), [])).to.deep.include({
      expectedGroupUuid: 'g1',
      expectedMark: { seqno: 9, digest: 'v1-a' },
    })
  })

  it('expects nothing when what was written down is of another group', () => {
    const status = { volumeGroup: { ...volumeGroup, name: 'loam-old' } }
    expect(groupRequestFor('c', report({ status }), [])).not.to.have.any.keys(
      'expectedGroupUuid',
      'expectedMark',
    )
  })

  it('finds what a person accepted on any object of the group, and says how to', () => {
    const other = report({ metadata: { name: 'slow.node1-2', annotations: { [ACCEPT_METADATA]: '9.v1-b' } } })
    const request = groupRequestFor('c', report(), [other])
    expect(request.acceptedStates).to.deep.equal(['9.v1-b'])
    expect(request.acceptCommand).to.equal(
      'kubectl annotate nls fast.node1-1 --overwrite loam.storage/accept-metadata=',
    )
  })
})
