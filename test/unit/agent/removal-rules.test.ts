import { expect } from 'chai'
import { requireRemovable, type RemovalFacts } from '../../../agent/removal-rules.ts'
import type { VolumeRecord } from '../../../core/volume-tags.ts'
import type { PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import { Refused } from '../../../lvm/errors.ts'
import { volumeOf } from '../../cluster/kube/memory-volumes.ts'

const record: VolumeRecord = {
  ...{ state: 'used', clusterId: 'ours', claimUid: 'u1', claimNamespace: 'shop', claimName: 'data' },
  ...{ storageClassName: 'fast', erase: 'zero', content: 'ext4' },
}
const volume = (change: Partial<VolumeRecord> = {}, name = 'pvc-u1') =>
  volumeOf({ name, sizeBytes: 4n << 20n, groupName: 'loam-fast', record: { ...record, ...change } })
const claim = (uid: string, volumeName?: string): PersistentVolumeClaim => ({
  metadata: { namespace: 'shop', name: 'data', uid },
  spec: volumeName === undefined ? {} : { volumeName },
})
const facts = (change: Partial<RemovalFacts> = {}): RemovalFacts => ({
  ...{ persistentVolume: 'restored', found: volume(), clusterId: 'ours' },
  ...{ namedBy: ['restored'], madeFor: undefined },
  ...change,
})

describe('agent/removal-rules', () => {
  const allowed: [string, RemovalFacts][] = [
    ['a PersistentVolume of any name, alone with it', facts()],
    ['one that the agent made', facts({ persistentVolume: 'pvc-u1', namedBy: ['pvc-u1'] })],
    ['one that the list does not have any more', facts({ namedBy: [] })],
    ['a claim of that name made since', facts({ madeFor: claim('u2', 'restored') })],
    ['its claim, bound to another volume meanwhile', facts({ madeFor: claim('u1', 'static') })],
  ]
  for (const [what, these] of allowed)
    it(`allows it for ${what}`, () => {
      expect(requireRemovable(these).record.claimUid).to.equal('u1')
    })

  const refused: [string, RemovalFacts, string][] = [
    ['tags that cannot be read', facts({ found: { ...volume(), record: undefined } }), 'cannot be read'],
    ["another cluster's id", facts({ found: volume({ clusterId: 'theirs' }) }), 'cluster with id theirs'],
    ['a name that is not of its claim', facts({ found: volume({}, 'pvc-u2') }), 'not named for the claim'],
    [
      'another PersistentVolume that names it',
      facts({ namedBy: ['restored', 'pvc-u1'] }),
      'also named by PersistentVolume "pvc-u1"',
    ],
    [
      'another one, seen when this one is not any more',
      facts({ namedBy: ['pvc-u1'] }),
      'also named by PersistentVolume "pvc-u1"',
    ],
    ['its claim, which waits for it', facts({ madeFor: claim('u1') }), '"shop/data", for which it was made'],
    [
      'its claim, whose PersistentVolume is lost',
      facts({ madeFor: claim('u1', 'pvc-u1') }),
      'is still there',
    ],
    ['its claim, bound to this one', facts({ madeFor: claim('u1', 'restored') }), 'is still there'],
  ]
  for (const [what, these, message] of refused)
    it(`refuses it for ${what}, and says what to do`, () => {
      expect(() => requireRemovable(these)).to.throw(Refused, message)
      expect(() => requireRemovable(these))
        .to.throw('logical volume "loam-fast/')
        .and.match(/\(.*Retain.*\)$/s)
    })
})
