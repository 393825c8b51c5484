import { expect } from 'chai'

import { claimThatConcerns } from '../../../agent/claim-filter.ts'
import type { PersistentVolumeClaim } from '../../../kube/claim-view.ts'

const SELECTED = { 'volume.kubernetes.io/selected-node': 'node1' }

const claim = (
  annotations: Readonly<Record<string, string>>,
  spec: Partial<PersistentVolumeClaim['spec']> = {},
  status: PersistentVolumeClaim['status'] = {},
): PersistentVolumeClaim => ({
  metadata: { namespace: 'ns', name: 'data', uid: 'u', annotations },
  spec: { resources: { requests: { storage: '2Gi' } }, ...spec },
  status,
})
const bound = (capacity: string): PersistentVolumeClaim['status'] => ({
  ...{ phase: 'Bound', capacity: { storage: capacity } },
})

describe('agent/claim-filter', () => {
  const cases: [string, PersistentVolumeClaim, boolean][] = [
    ['that waits for a node', claim({}), true],
    ['that waits for a volume of this node', claim(SELECTED), true],
    ['that waits for one of another node', claim({ 'volume.kubernetes.io/selected-node': 'node2' }), true],
    ['that has what it asks for', claim(SELECTED, { volumeName: 'pvc-u' }, bound('2Gi')), false],
    ['that asks for more', claim(SELECTED, { volumeName: 'pvc-u' }, bound('1Gi')), true],
    ['that asks for more and names no node', claim({}, { volumeName: 'pvc-u' }, bound('1Gi')), true],
    ['that is not bound yet', claim({}, { volumeName: 'pvc-u' }, { phase: 'Pending' }), false],
  ]
  const project = claimThatConcerns
  for (const [what, given, isKept] of cases)
    it(`${isKept ? 'keeps' : 'drops'} a claim ${what}`, () => {
      expect(project(given) !== undefined).to.equal(isKept)
    })
})
