import { expect } from 'chai'
import { failureOf, type Failure } from '../../../agent/claim-failure.ts'
import {
  CommandFailed,
  Conflict,
  Frozen,
  NoSpace,
  OutcomeUnknown,
  Refused,
  Stuck,
} from '../../../lvm/errors.ts'

describe('agent/claim-failure', () => {
  const space = { layout: 'linear', requestedBytes: 2n, largestBytes: 1n, freeOnDisks: [] }
  const rows: [Error, Failure['kind']][] = [
    [new NoSpace('volume', space), 'elsewhere'],
    [new Frozen('DisksMissing', 'group', 'a disk is missing'), 'elsewhere'],
    [new OutcomeUnknown('volume', 'no answer'), 'unknown'],
    [new Stuck('group', { what: 'lvcreate', since: new Date() }), 'unknown'],
    [new CommandFailed('volume', 'not made'), 'retry'],
    [new Refused('volume', 'not blank'), 'retry'],
    [new Conflict('volume', 'the name is taken'), 'retry'],
    [new Error('anything else'), 'retry'],
  ]
  for (const [error, kind] of rows)
    it(`${error.name}: ${kind}`, () => expect(failureOf(error).kind).to.equal(kind))

  it('gives reason and text of what sends a claim elsewhere', () => {
    const error = new NoSpace('volume', space)
    expect(failureOf(error)).to.deep.equal({
      kind: 'elsewhere',
      reason: 'NoSpace',
      message: error.message,
    })
  })
})
