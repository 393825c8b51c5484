import { expect } from 'chai'
import type { ClaimView } from '../../../kube/claim-view.ts'
import { claimOf, MIB, reportOf } from './fixture.ts'
import { clusterOf, waiting, type Cluster } from './reckoned.ts'

const coming = (storage: string, other: Partial<ClaimView> = {}): ClaimView => ({
  ...claimOf(storage, { namespace: 'shop', name: 'other', uid: 'uid-other', resourceVersion: '7' }),
  ...{ selectedNode: 'node', ...other },
})
const now = ({ groups, rooms }: Cluster, exceptFor: readonly string[] = []) => {
  const found = groups.ofClass('fast').get('node')
  return found && rooms.of(found.group, exceptFor)
}

describe('scheduler/group-rooms', () => {
  let cluster: Cluster

  beforeEach(() => {
    cluster = clusterOf({ node: '100Mi', other: '100Mi' })
  })

  it('takes off what is coming, and says how much that is', () => {
    cluster.claims.put('shop/other', coming('30Mi'))
    expect(now(cluster)).to.include({ freeExtents: 70n, comingBytes: 30n * MIB, extentSizeBytes: MIB })
    expect(now(cluster, ['uid-other'])).to.include({ freeExtents: 100n, comingBytes: 0n })
    expect(now(cluster, ['somebody'])).to.include({ freeExtents: 70n })
  })

  it('takes nothing off for a claim that will not fit, nor for one of another group', () => {
    cluster.claims.put('shop/other', coming('300Mi'))
    expect(now(cluster)?.freeExtents).to.equal(100n)
    cluster.classes.put('slow', waiting('slow', { volumeGroup: 'loam-slow' }))
    cluster.claims.put('shop/other', coming('30Mi', { storageClassName: 'slow' }))
    expect(now(cluster)?.freeExtents).to.equal(100n)
  })

  it('reckons anew when something has changed there, and only then', () => {
    const before = now(cluster)
    cluster.claims.put('shop/elsewhere', coming('30Mi', { uid: 'elsewhere', selectedNode: 'other' }))
    cluster.reports.put('other', reportOf('other', '50Mi'))
    expect(now(cluster)).to.equal(before)
    for (const change of [
      () => cluster.claims.put('shop/other', coming('30Mi')),
      () => cluster.reports.put('node', reportOf('node', '90Mi')),
      () => cluster.classes.put('fast', waiting('fast', { scoring: 'binpack' })),
    ]) {
      const last = now(cluster)
      change()
      expect(now(cluster)).to.not.equal(last)
    }
  })

  it('knows groups with the same room by the same text', () => {
    const signatures = ['node', 'other'].map((nodeName) => {
      const found = cluster.groups.ofClass('fast').get(nodeName)
      return found && cluster.rooms.of(found.group)?.signature
    })
    expect(signatures[0]).to.be.a('string').and.to.equal(signatures[1])
  })
})
