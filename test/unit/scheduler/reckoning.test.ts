import { expect } from 'chai'
import type { ClaimView } from '../../../kube/claim-view.ts'
import { startReckoning } from '../../../scheduler/reckoning.ts'
import type { FreeVolume, VolumeView } from '../../../scheduler/volume-view.ts'
import { claimOf, copyOf, MIB, reportOf } from './fixture.ts'
import { waiting } from './reckoned.ts'

const claim = (uid: string, other: Partial<ClaimView> = {}): ClaimView => ({
  ...claimOf('10Mi', { namespace: 'shop', name: uid, uid, resourceVersion: '7' }),
  ...{ selectedNode: 'node', ...other },
})
const inFlightOn = (reckoning: ReturnType<typeof startReckoning>): string[] => [
  ...reckoning.inFlight.on('node').keys(),
]

describe('scheduler/reckoning', () => {
  const free: FreeVolume = {
    ...{ name: 'v', nodeName: 'node', storageClassName: 'fast', capacityBytes: MIB },
    ...{ accessModes: [], volumeMode: 'Filesystem', claimedBy: undefined },
  }
  const stores = () => ({
    claims: copyOf({ 'shop/there': claim('there') }),
    classes: copyOf({ fast: waiting('fast') }),
    reports: copyOf({ node: reportOf('node', '1Gi') }),
    volumes: copyOf<VolumeView>({ v: { unmarked: undefined, free } }),
  })

  it('begins with what is there, and follows it', () => {
    const given = stores()
    const reckoning = startReckoning(given)
    expect(inFlightOn(reckoning)).to.deep.equal(['there'])
    expect(reckoning.freeVolumes.isEmptyOn('node')).to.equal(false)
    given.claims.put('shop/late', claim('late'))
    given.claims.put('shop/there', undefined)
    given.volumes.put('v', undefined)
    expect(inFlightOn(reckoning), 'it got its volume just now').to.deep.equal(['there', 'late'])
    expect(reckoning.freeVolumes.isEmptyOn('node')).to.equal(true)
  })

  it('counts claims of ours only: those of our classes, and those that we are asked about', () => {
    const given = stores()
    const reckoning = startReckoning(given)
    const foreign = { storageClassName: 'other', isAskedOfUs: false }
    given.claims.put('shop/foreign', claim('foreign', foreign))
    given.claims.put('shop/early', claim('early', { isAskedOfUs: false }))
    given.claims.put('shop/classless', claim('classless', { storageClassName: 'gone' }))
    expect(inFlightOn(reckoning)).to.have.members(['there', 'early', 'classless'])
  })

  it('holds a pod no longer when its claim has a node, or is gone', () => {
    const given = stores()
    const reckoning = startReckoning(given)
    reckoning.pods.hold('pod', [claim('a'), claim('b')], ['node'])
    given.claims.put('shop/a', claim('a', { selectedNode: undefined }))
    expect(reckoning.pods.bytes).to.equal(Number(20n * MIB))
    given.claims.put('shop/a', claim('a'))
    given.claims.put('shop/b', claim('b', { selectedNode: undefined }))
    given.claims.put('shop/b', undefined)
    expect(reckoning.pods.bytes).to.equal(0)
  })
})
