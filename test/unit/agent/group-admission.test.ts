import { expect } from 'chai'
import type { ClaimDecision } from '../../../agent/claim-decision.ts'
import { viewClaim } from '../../../kube/claim-view.ts'
import { decideGroup, describeTogether, type Member } from '../../../agent/group-admission.ts'

const claimOf = (name: string) =>
  viewClaim({
    metadata: { namespace: 'shop', name, uid: `uid-${name}` },
    spec: { storageClassName: 'fast', resources: { requests: { storage: '1Gi' } } },
  })

const DECISIONS = {
  create: { kind: 'create' } as ClaimDecision,
  ignore: { kind: 'ignore', why: 'selected node is not set' },
  refuse: { kind: 'refuse', reason: 'AccessModeNotSupported', message: 'ReadWriteMany' },
  reschedule: { kind: 'reschedule', reason: 'DisksMissing', message: 'a disk is missing' },
} as const satisfies Record<ClaimDecision['kind'], ClaimDecision>
type Kind = keyof typeof DECISIONS | 'absent'

const member = (kind: Kind, index: number): Member => {
  const name = `c${index}`
  return kind === 'absent'
    ? { name, claim: undefined, decision: { kind: 'ignore', why: 'it does not exist' } }
    : { name, claim: claimOf(name), decision: DECISIONS[kind] }
}

describe('agent/group-admission', () => {
  /**
   * What a crash leaves is a row of this table, too: volumes that were made or removed do not show in it, because they are
   * found by name and made or removed again; selections that were cleared show as "ignore".
   */
  const table: [string, Kind[], boolean, string, string][] = [
    ['one alone', ['create'], true, 'create', ''],
    ['one alone that this node cannot serve', ['reschedule'], true, 'reschedule', 'DisksMissing'],
    ['one alone that no node can serve', ['refuse'], true, 'refuse', 'AccessModeNotSupported'],
    ['all here', ['create', 'create', 'create'], true, 'create', ''],
    ['the scheduler has written the first only', ['create', 'ignore', 'ignore'], true, 'wait', ''],
    [
      'the scheduler stopped midway',
      ['create', 'create', 'ignore'],
      false,
      'reschedule',
      'PodClaimsIncomplete',
    ],
    ['one is not there yet', ['create', 'absent'], true, 'wait', ''],
    ['one never came', ['create', 'absent'], false, 'reschedule', 'PodClaimsIncomplete'],
    ['one can be served nowhere', ['create', 'refuse', 'create'], true, 'refuse', 'PodClaimRefused'],
    ['one cannot be here', ['create', 'reschedule', 'create'], true, 'reschedule', 'DisksMissing'],
    ['one nowhere and one not here', ['reschedule', 'refuse'], true, 'refuse', 'PodClaimRefused'],
    ['a crash after some were given back', ['ignore', 'create', 'create'], true, 'wait', ''],
    [
      'a crash after some were given back, and no other choice',
      ['ignore', 'create', 'create'],
      false,
      'reschedule',
      'PodClaimsIncomplete',
    ],
    ['one missing and one not here: first all have to come', ['ignore', 'reschedule'], true, 'wait', ''],
    ['one missing and one nowhere', ['absent', 'refuse'], true, 'wait', ''],
  ]
  for (const [what, kinds, isPatient, kind, reason] of table)
    it(`${what}: ${kind}`, () => {
      const decision = decideGroup(kinds.map(member), isPatient)
      expect(decision.kind).to.equal(kind)
      expect('reason' in decision ? decision.reason : '').to.equal(reason)
    })

  it('admits all of them or none', () => {
    const decision = decideGroup((['create', 'create'] as const).map(member), true)
    expect(decision.kind === 'create' && decision.admitted.map(({ claim }) => claim.name)).to.deep.equal([
      'c0',
      'c1',
    ])
  })

  it('names the claims that are missing, and why', () => {
    const decision = decideGroup((['create', 'ignore', 'absent'] as const).map(member), false)
    expect(decision.kind === 'reschedule' && decision.message).to.equal(
      'not all claims of the pod have been given to this node: "c1": selected node is not set; "c2" does not exist',
    )
  })

  it('says what was asked for together', () => {
    const members = (['create', 'create'] as const).map(member)
    expect(describeTogether('node1', 'p', members, 'too full')).to.equal(
      'node node1, for all claims of pod "p" together ("c0" 1Gi, "c1" 1Gi): too full',
    )
    expect(describeTogether('node1', undefined, members.slice(1), 'too full')).to.equal(
      'node node1: too full',
    )
  })
})
