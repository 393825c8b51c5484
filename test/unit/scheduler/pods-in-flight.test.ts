import { expect } from 'chai'
import { PodsInFlight } from '../../../scheduler/pods-in-flight.ts'
import { claimOf, MIB } from './fixture.ts'

const claim = (uid: string) => claimOf('10Mi', { uid })

describe('scheduler/pods-in-flight', () => {
  let nowMs: number
  let pods: PodsInFlight
  const held = (podUid = 'somebody'): string[] =>
    pods.others(podUid).flatMap(({ claims, nodeNames }) => [...claims.keys(), ...nodeNames])

  beforeEach(() => {
    nowMs = 1000
    pods = new PodsInFlight(() => nowMs)
    pods.hold('pod', [claim('one'), claim('two')], ['a', 'b'])
  })

  it('counts a pod against all others for two seconds', () => {
    expect(held()).to.deep.equal(['one', 'two', 'a', 'b'])
    expect(held('pod')).to.deep.equal([])
    expect(pods.bytes).to.equal(Number(20n * MIB))
    nowMs += 1999
    expect(held()).to.have.length(4)
    nowMs += 1
    expect(held()).to.deep.equal([])
    expect(pods.bytes).to.equal(0)
  })

  it('lets go of each claim that is seen to have a node', () => {
    pods.settle('one')
    expect(held()).to.deep.equal(['two', 'a', 'b'])
    pods.settle('two')
    pods.settle('unheard of')
    expect(held()).to.deep.equal([])
  })

  it('holds what was said last', () => {
    pods.hold('pod', [claim('three')], ['c'])
    expect(held()).to.deep.equal(['three', 'c'])
    pods.settle('one')
    expect(held()).to.deep.equal(['three', 'c'])
    pods.hold('pod', [claim('three')], [])
    expect(held()).to.deep.equal([])
  })
})
