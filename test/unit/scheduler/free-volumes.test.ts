import { expect } from 'chai'
import type { ClaimView } from '../../../kube/claim-view.ts'
import { FreeVolumes } from '../../../scheduler/free-volumes.ts'
import type { FreeVolume } from '../../../scheduler/volume-view.ts'
import { claimOf, MIB } from './fixture.ts'

const volume = (name: string, mib: bigint, other: Partial<FreeVolume> = {}): FreeVolume => ({
  ...{ name, nodeName: 'node', storageClassName: 'fast', capacityBytes: mib * MIB },
  ...{ accessModes: ['ReadWriteOnce'], volumeMode: 'Filesystem', claimedBy: undefined },
  ...other,
})
const claim = (name: string, storage: string, other: Partial<ClaimView> = {}): ClaimView => ({
  ...claimOf(storage, { namespace: 'shop', name, uid: name }),
  ...other,
})

describe('scheduler/free-volumes', () => {
  let free: FreeVolumes
  const left = (...claims: ClaimView[]): string[] => free.without('node', claims).map(({ name }) => name)

  beforeEach(() => {
    free = new FreeVolumes()
  })

  it('gives the smallest claim the smallest volume that serves it, as Kubernetes does', () => {
    for (const each of [volume('large', 90n), volume('small', 20n)]) free.heed(each, undefined)
    expect(left(claim('a', '50Mi'), claim('b', '10Mi'), claim('c', '60Mi'))).to.deep.equal(['c'])
    expect(left(claim('a', '15Mi'), claim('b', '16Mi'))).to.deep.equal([])
    expect(left(claim('a', '91Mi'))).to.deep.equal(['a'])
  })

  const UNFIT: readonly [what: string, volume: Partial<FreeVolume>, claim: Partial<ClaimView>][] = [
    ['of another class', { storageClassName: 'slow' }, {}],
    ['of another mode', { volumeMode: 'Block' }, {}],
    ['without the access mode', { accessModes: ['ReadOnlyMany'] }, {}],
    ['for another claim', { claimedBy: 'shop/other' }, {}],
    ['when a new one is being made for the claim', {}, { selectedNode: 'node' }],
  ]
  for (const [what, ofVolume, ofClaim] of UNFIT)
    it(`gives none ${what}`, () => {
      free.heed(volume('v', 50n, ofVolume), undefined)
      expect(left(claim('a', '10Mi', ofClaim))).to.deep.equal(['a'])
    })

  it('gives one to the claim that it is for', () => {
    free.heed(volume('v', 50n, { claimedBy: 'shop/a' }), undefined)
    expect(left(claim('a', '10Mi'), claim('b', '10Mi'))).to.deep.equal(['b'])
  })

  it('forgets one that was bound or is gone', () => {
    const there = volume('v', 50n)
    free.heed(there, undefined)
    expect(free.isEmptyOn('node')).to.equal(false)
    free.heed(undefined, there)
    expect(free.isEmptyOn('node')).to.equal(true)
    expect(left(claim('a', '10Mi'))).to.deep.equal(['a'])
  })
})
