import { status } from '@grpc/grpc-js'
import { expect } from 'chai'

import { LoamError } from '../../../core/errors.ts'
import { silentLogger, type Logger } from '../../../core/logger.ts'
import * as csiErrors from '../../../csi-node/errors.ts'
import { statusOf } from '../../../csi-node/status.ts'
import * as lvmErrors from '../../../lvm/errors.ts'

const expected: [LoamError, keyof typeof status][] = [
  [new csiErrors.InvalidField('volume_id', 'it is missing'), 'INVALID_ARGUMENT'],
  [new csiErrors.UnknownVolume('a/b', 'no'), 'NOT_FOUND'],
  [new csiErrors.VolumeNotKnownYet('a/b'), 'UNAVAILABLE'],
  [new csiErrors.CallPending('a/b', 'NodeStageVolume'), 'ABORTED'],
  [new csiErrors.CallCancelled(), 'CANCELLED'],
  [new csiErrors.PublishedOtherwise('/x', 'no'), 'ALREADY_EXISTS'],
  [new csiErrors.MadeOtherwise('v', 'no'), 'ALREADY_EXISTS'],
  [new csiErrors.SizeOutOfRange('no', 'do'), 'OUT_OF_RANGE'],
  [new csiErrors.ElsewhereWanted('node1', 'no'), 'RESOURCE_EXHAUSTED'],
  [new csiErrors.UnknownToken('x'), 'ABORTED'],
  [new csiErrors.NotServed('CreateVolume', 'no'), 'UNIMPLEMENTED'],
  [new csiErrors.NotStaged('a/b', 'no'), 'FAILED_PRECONDITION'],
  [new csiErrors.MountedReadOnly('a/b', '/x'), 'FAILED_PRECONDITION'],
  [new csiErrors.VolumeTooSmall('a/b', 1n, 2n), 'OUT_OF_RANGE'],
  [new csiErrors.PathOccupied('/x', 'no', 'do'), 'FAILED_PRECONDITION'],
  [new csiErrors.SecondPod('a/b', '/x'), 'FAILED_PRECONDITION'],
  [new csiErrors.MountInUse('/x', 'busy'), 'FAILED_PRECONDITION'],
  [new csiErrors.MountFailed('/x', 'no'), 'INTERNAL'],
  [new lvmErrors.NotFound('logical volume', 'no'), 'NOT_FOUND'],
  [new lvmErrors.Refused('logical volume', 'no'), 'FAILED_PRECONDITION'],
  [new lvmErrors.Conflict('logical volume', 'no'), 'FAILED_PRECONDITION'],
  [new lvmErrors.InUse('logical volume', 'no'), 'FAILED_PRECONDITION'],
  [new lvmErrors.Frozen('DisksMissing', 'volume group', 'no'), 'FAILED_PRECONDITION'],
  [
    new lvmErrors.NoSpace('volume group', {
      ...{ layout: 'linear', requestedBytes: 2n, largestBytes: 1n, freeOnDisks: [] },
    }),
    'RESOURCE_EXHAUSTED',
  ],
  [new lvmErrors.Busy('volume group', 'no'), 'ABORTED'],
  [new lvmErrors.Stuck('volume group', { what: 'command', since: new Date() }), 'ABORTED'],
  [new lvmErrors.OutcomeUnknown('command', 'no'), 'UNAVAILABLE'],
  [new lvmErrors.CommandFailed('command', 'no'), 'INTERNAL'],
]

/** Never sent over CSI: it stops the sockets from being served. */
const NOT_SENT = ['SocketUnusable']

describe('statusOf', () => {
  for (const [error, code] of expected) {
    it(`gives ${error.name} code ${code} and its message`, () => {
      expect(statusOf(error, silentLogger)).to.deep.equal({ code: status[code], details: error.message })
    })
  }

  it('has a line here for every error of both rooms', () => {
    const names = [...Object.keys(csiErrors), ...Object.keys(lvmErrors)].sort()
    expect([...expected.map(([error]) => error.name), ...NOT_SENT].sort()).to.deep.equal(names)
  })

  it('answers an unexpected error with INTERNAL, and logs its stack', () => {
    const logged: unknown[] = []
    const log: Logger = { ...silentLogger, error: (message, fields) => logged.push([message, fields]) }
    const bug = new TypeError('x is undefined')
    expect(statusOf(bug, log)).to.deep.equal({ code: status.INTERNAL, details: 'x is undefined' })
    expect(logged).to.deep.equal([
      ['unexpected error in a CSI call', { error: 'x is undefined', stack: bug.stack }],
    ])
  })

  it('cuts details that would not fit into a header', () => {
    expect(statusOf(new Error('x'.repeat(100_000)), silentLogger).details).to.have.length(4000)
  })
})
