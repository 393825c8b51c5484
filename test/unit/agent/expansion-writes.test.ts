import { expect } from 'chai'

import { viewExpandingClaim } from '../../../agent/expanding-claim.ts'
import { statusPatch } from '../../../agent/expansion-writes.ts'

const NOW = new Date('2026-01-02T03:04:05Z')
const CLAIM = viewExpandingClaim({
  metadata: { namespace: 'ns', name: 'data', uid: 'u', resourceVersion: '7' },
  spec: { volumeName: 'pvc-u', resources: { requests: { storage: '3Gi' } } },
  status: {
    phase: 'Bound',
    capacity: { storage: '1Gi' },
    conditions: [
      { type: 'Resizing', status: 'True' },
      { type: 'ModifyingVolume', status: 'True' },
    ],
  },
})

describe('agent/expansion-writes', () => {
  it('replaces the conditions of earlier phases, and keeps those of others', () => {
    const change = {
      resizeStatus: 'NodeResizePending',
      condition: { type: 'FileSystemResizePending', message: 'waits' },
    } as const
    expect(statusPatch(CLAIM, change, NOW)).to.deep.equal({
      metadata: { uid: 'u', resourceVersion: '7' },
      status: {
        conditions: [
          { type: 'ModifyingVolume', status: 'True' },
          {
            ...{ type: 'FileSystemResizePending', message: 'waits', status: 'True' },
            lastTransitionTime: '2026-01-02T03:04:05.000Z',
          },
        ],
        allocatedResourceStatuses: { storage: 'NodeResizePending' },
        allocatedResources: undefined,
        capacity: undefined,
      },
    })
  })

  it('ends the expansion of a block volume: capacity, no status, nothing for kubelet', () => {
    const change = { resizeStatus: null, capacityBytes: 3n << 30n, isWithoutNode: true }
    expect(statusPatch(CLAIM, change, NOW)).to.deep.equal({
      metadata: {
        ...{ uid: 'u', resourceVersion: '7' },
        annotations: { 'volume.kubernetes.io/node-expansion-not-required': 'true' },
      },
      status: {
        conditions: [{ type: 'ModifyingVolume', status: 'True' }],
        allocatedResourceStatuses: { storage: null },
        allocatedResources: undefined,
        capacity: { storage: '3Gi' },
      },
    })
  })
})
