import { expect } from 'chai'
import type { ClaimView } from '../../../kube/claim-view.ts'
import { ClaimsInFlight } from '../../../scheduler/claims-in-flight.ts'
import { claimOf, MIB } from './fixture.ts'

const claim = (other: Partial<ClaimView> = {}): ClaimView => ({ ...claimOf('10Mi'), ...other })
const on = (inFlight: ClaimsInFlight, nodeName: string): string[] => [...inFlight.on(nodeName).keys()]

describe('scheduler/claims-in-flight', () => {
  it('follows a claim from node to node', () => {
    const inFlight = new ClaimsInFlight()
    inFlight.heed(claim(), undefined)
    expect(inFlight.count).to.equal(0)
    inFlight.heed(claim({ selectedNode: 'a' }), claim())
    expect(on(inFlight, 'a')).to.deep.equal(['uid-1'])
    expect(inFlight.bytes).to.equal(Number(10n * MIB))
    inFlight.heed(claim({ selectedNode: 'b' }), claim({ selectedNode: 'a' }))
    expect([on(inFlight, 'a'), on(inFlight, 'b')]).to.deep.equal([[], ['uid-1']])
  })

  it('counts a claim that has got its volume for ten seconds more: a report that comes may be older than the volume', () => {
    let nowMs = 0
    const inFlight = new ClaimsInFlight(() => nowMs)
    inFlight.heed(claim({ selectedNode: 'a' }), undefined)
    inFlight.heed(undefined, claim({ selectedNode: 'a' }))
    const version = inFlight.versionOf('a')
    nowMs = 9_999
    expect([inFlight.versionOf('a'), inFlight.count]).to.deep.equal([version, 1])
    nowMs = 10_000
    expect(inFlight.versionOf('a')).to.not.equal(version)
    expect([on(inFlight, 'a'), inFlight.bytes]).to.deep.equal([[], 0])
  })

  it('counts what it was told to assume, until the watch shows another version', () => {
    const inFlight = new ClaimsInFlight()
    inFlight.assume(claim(), 'a')
    expect(inFlight.nodeOf(claim())).to.equal('a')
    expect(on(inFlight, 'a')).to.deep.equal(['uid-1'])
    inFlight.heed(claim(), undefined)
    expect(on(inFlight, 'a'), 'the same version, heard late').to.deep.equal(['uid-1'])
    const givenBack = claim({ resourceVersion: '9' })
    inFlight.heed(givenBack, claim())
    expect(on(inFlight, 'a')).to.deep.equal([])
    expect(inFlight.nodeOf(givenBack)).to.equal(undefined)
  })

  it('does not count a claim that is being deleted', () => {
    const inFlight = new ClaimsInFlight()
    inFlight.heed(claim({ selectedNode: 'a', isBeingDeleted: true }), undefined)
    expect(inFlight.count).to.equal(0)
  })

  it('says when something has changed on a node, and on no other', () => {
    const inFlight = new ClaimsInFlight()
    const before = [inFlight.versionOf('a'), inFlight.versionOf('b')]
    inFlight.heed(claim({ selectedNode: 'a' }), undefined)
    expect(inFlight.versionOf('a')).to.not.equal(before[0])
    expect(inFlight.versionOf('b')).to.equal(before[1])
  })
})
