import { expect } from 'chai'
import type { PersistentVolumeView } from '../../../agent/persistent-volume.ts'
import { decideReclaim } from '../../../agent/reclaim-decision.ts'

const volume: PersistentVolumeView = {
  name: 'pvc-1',
  uid: 'u',
  resourceVersion: '1',
  phase: 'Released',
  reclaimPolicy: 'Delete',
  isBeingDeleted: false,
  finalizers: ['kubernetes.io/pv-protection', 'loam.storage/logical-volume'],
  handle: { groupUuid: 'g', volumeUuid: 'v' },
  capacityBytes: 1n,
  claim: undefined,
  preResizeCapacity: undefined,
  mountOptions: [],
}

describe('agent/reclaim-decision', () => {
  const phases = ['Pending', 'Available', 'Bound', 'Released', 'Failed', '']
  const expected = (phase: string, policy: string, deleting: boolean): string => {
    if (!deleting) return phase === 'Released' && policy === 'Delete' ? 'delete' : 'keep'
    if (phase === 'Bound') return 'keep'
    if (policy === 'Retain' || phase === 'Available') return 'letGo'
    return phase === 'Released' ? 'remove' : 'keep'
  }
  for (const phase of phases) {
    for (const reclaimPolicy of ['Delete', 'Retain']) {
      for (const isBeingDeleted of [false, true]) {
        const kind = expected(phase, reclaimPolicy, isBeingDeleted)
        it(`${phase || 'no phase'}, ${reclaimPolicy}${isBeingDeleted ? ', being deleted' : ''}: ${kind}`, () => {
          expect(decideReclaim({ ...volume, phase, reclaimPolicy, isBeingDeleted }).kind).to.equal(kind)
        })
      }
    }
  }

  it('leaves alone a volume of another driver, in whatever state', () => {
    expect(decideReclaim({ ...volume, handle: undefined }).kind).to.equal('keep')
  })

  it('leaves alone a volume without our finalizer: it has been dealt with', () => {
    expect(decideReclaim({ ...volume, isBeingDeleted: true, finalizers: [] }).kind).to.equal('keep')
  })
})
