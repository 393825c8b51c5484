import { expect } from 'chai'
import type { PersistentVolumeView } from '../../../agent/persistent-volume.ts'
import { referencesOf, VolumeReferences } from '../../../agent/volume-references.ts'
import type { KubeClient } from '../../../kube/types.ts'

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

  describe('since a moment', () => {
    let nowMs = 0
    let lists = 0
    const references = (): VolumeReferences => {
      lists = 0
      nowMs = 1000
      const list: KubeClient['list'] = () => {
        lists += 1
        return Promise.resolve('1')
      }
      return new VolumeReferences({ list } as KubeClient, () => nowMs)
    }

    it('is read once for all that are removed together', async () => {
      const tested = references()
      for (const at of [1000, 3000, 5999]) {
        nowMs = at
        await tested.since(1000)
      }
      expect(lists).to.equal(1)
    })

    it('is read anew for what goes later, and when it is five seconds old', async () => {
      const tested = references()
      await tested.since(1000)
      await tested.since(1001)
      expect(lists, 'deleted after the list began').to.equal(2)
      nowMs = 6000
      await tested.since(1000)
      expect(lists, 'old').to.equal(3)
    })
  })
})
