import { expect } from 'chai'
import { agentWrites, countByKind, timeOf, untoldMs, wayOf } from '../../../bench/provision/writes.ts'
import type { AuditEvent } from '../../../cluster/support/audit-log.ts'

const AGENT = 'system:serviceaccount:loam-system:loam-agent'
const at = (seconds: string): string => `2026-11-29T10:00:${seconds}Z`

const event = (
  stage: string,
  verb: string,
  objectRef: AuditEvent['objectRef'],
  { username = AGENT, code = 200 } = {},
): AuditEvent => ({
  ...{ auditID: stage, verb, requestURI: '/', user: { username }, responseStatus: { code } },
  ...(objectRef === undefined ? {} : { objectRef }),
  requestReceivedTimestamp: stage,
  stageTimestamp: stage,
})
const claim = { resource: 'persistentvolumeclaims', name: 'data' }
const volume = { resource: 'persistentvolumes', name: 'pvc-1' }

describe('writes of a bench, in the audit log', () => {
  it('times have microseconds', () => {
    expect(timeOf(at('01.000250')) - timeOf(at('01.000000'))).to.be.closeTo(0.25, 1e-3)
    expect(timeOf(at('01'))).to.equal(Date.parse(at('01')))
    expect(timeOf('not a time')).to.deep.equal(Number.NaN)
  })

  it("are the agent's in the period, refused ones and Leases included", () => {
    const events = [
      event(at('00.9'), 'create', volume),
      event(at('01.0'), 'patch', { resource: 'leases', name: 'loam-agent-node1' }),
      event(at('01.5'), 'create', volume, { code: 409 }),
      event(at('01.6'), 'update', claim, { username: 'admin' }),
      event(at('02.1'), 'create', volume),
    ]
    const found = agentWrites(events, { fromMs: timeOf(at('01.0')), toMs: timeOf(at('02.0')) })
    expect(countByKind(found)).to.deep.equal({ 'patch-leases': 1, 'create-persistentvolumes': 1 })
  })

  it('are counted by verb, resource and subresource', () => {
    const status = { resource: 'nodelocalstorages', name: 'x', subresource: 'status' }
    const events = [event(at('01'), 'patch', status), event(at('02'), 'patch', status)]
    expect(countByKind(events)).to.deep.equal({ 'patch-nodelocalstorages-status': 2 })
  })

  it('the way of a claim: its node, its provisioner, its volume, whatever was refused before', () => {
    const admin = { username: 'admin' }
    const way = wayOf(
      [
        event(at('01.0'), 'create', claim, admin),
        event(at('02.0'), 'patch', claim, admin),
        event(at('02.1'), 'update', claim, { ...admin, code: 409 }),
        event(at('02.3'), 'update', claim, admin),
        event(at('02.9'), 'create', volume, { code: 503 }),
        event(at('03.0'), 'create', volume),
        event(at('03.5'), 'update', claim, admin),
      ],
      'data',
      'pvc-1',
    )
    expect(way).to.deep.equal({
      selectedMs: timeOf(at('02.0')),
      askedMs: timeOf(at('02.3')),
      acknowledgedMs: timeOf(at('03.0')),
    })
  })

  it('the scheduler is told what a volume took some time after it was made, or before', () => {
    const way = { selectedMs: timeOf(at('02.0')), askedMs: 0, acknowledgedMs: 0 }
    const capacity = { resource: 'csistoragecapacities', name: 'c' }
    const early = event(at('01.9'), 'patch', capacity)
    const made = event(at('03.0'), 'create', volume)
    const failed = event(at('03.1'), 'patch', capacity, { code: 409 })
    const told = event(at('03.25'), 'patch', capacity)
    expect(untoldMs([early, made, failed, told], way, 'pvc-1')).to.be.closeTo(250, 0.01)
    expect(untoldMs([early, event(at('02.5'), 'patch', capacity), made], way, 'pvc-1')).to.be.closeTo(
      -500,
      0.01,
    )
    expect(() => untoldMs([early, made], way, 'pvc-1')).to.throw('that its capacity was told')
  })

  it('a claim without a volume has no way', () => {
    const events = [event(at('02.0'), 'patch', claim), event(at('02.3'), 'update', claim)]
    expect(() => wayOf(events, 'data', 'pvc-1')).to.throw(
      'claim "data": the audit log does not have that its volume was made',
    )
  })
})
