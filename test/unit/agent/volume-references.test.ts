import { expect } from 'chai'
import type { PersistentVolumeView } from '../../../agent/persistent-volume.ts'
import { referencesOf } from '../../../agent/volume-references.ts'

const view = (name: string, groupUuid?: string, volumeUuid = ''): PersistentVolumeView => ({
  ...{
    name,
    uid: name,
    resourceVersion: '1',
    phase: 'Bound',
    reclaimPolicy: 'Delete',
    isBeingDeleted: false,
  },
  ...{ finalizers: [], capacityBytes: 1n, claim: undefined, preResizeCapacity: undefined, mountOptions: [] },
  handle: groupUuid === undefined ? undefined : { groupUuid, volumeUuid },
})

describe('agent/volume-references', () => {
  it('has all names for a logical volume, whatever group they say it is in', () => {
    const found = referencesOf([
      view('a', 'g1', 'v1'),
      view('b', 'g2', 'v1'),
      view('c', 'g1', 'v2'),
      view('d'),
    ])
    expect([...found]).to.deep.equal([
      ['v1', ['a', 'b']],
      ['v2', ['c']],
    ])
  })
})
