import { status } from '@grpc/grpc-js'

import { LoamError, messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import {
  Busy,
  CommandFailed,
  Conflict,
  Frozen,
  InUse,
  NoSpace,
  NotFound,
  OutcomeUnknown,
  Refused,
} from '../lvm/errors.ts'
import {
  CallCancelled,
  CallPending,
  ElsewhereWanted,
  InvalidField,
  MadeOtherwise,
  MountedReadOnly,
  MountFailed,
  MountInUse,
  NotServed,
  NotStaged,
  PathOccupied,
  PublishedOtherwise,
  SecondPod,
  SizeOutOfRange,
  UnknownToken,
  UnknownVolume,
  VolumeNotKnownYet,
  VolumeTooSmall,
} from './errors.ts'

type ErrorClass = abstract new (...parameters: never[]) => LoamError

/**
 * Every error that a call may end with, and the gRPC code for it (CSI specification, the error table of each RPC).
 *
 * Kubelet takes CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE, RESOURCE_EXHAUSTED and ABORTED for "may have been done" and
 * later undoes the call; any other code means that nothing was done (kubelet, pkg/volume/csi, isFinalError).
 */
const CODES: readonly (readonly [ErrorClass, status])[] = [
  [InvalidField, status.INVALID_ARGUMENT],
  [UnknownVolume, status.NOT_FOUND],
  [VolumeNotKnownYet, status.UNAVAILABLE],
  [CallPending, status.ABORTED],
  [CallCancelled, status.CANCELLED],
  [PublishedOtherwise, status.ALREADY_EXISTS],
  [MadeOtherwise, status.ALREADY_EXISTS],
  [SizeOutOfRange, status.OUT_OF_RANGE],
  [ElsewhereWanted, status.RESOURCE_EXHAUSTED],
  [UnknownToken, status.ABORTED],
  [NotServed, status.UNIMPLEMENTED],
  [NotStaged, status.FAILED_PRECONDITION],
  [MountedReadOnly, status.FAILED_PRECONDITION],
  [VolumeTooSmall, status.OUT_OF_RANGE],
  [PathOccupied, status.FAILED_PRECONDITION],
  [SecondPod, status.FAILED_PRECONDITION],
  [MountInUse, status.FAILED_PRECONDITION],
  [MountFailed, status.INTERNAL],
  [NotFound, status.NOT_FOUND],
  [Refused, status.FAILED_PRECONDITION],
  [Conflict, status.FAILED_PRECONDITION],
  [InUse, status.FAILED_PRECONDITION],
  [Frozen, status.FAILED_PRECONDITION],
  [NoSpace, status.RESOURCE_EXHAUSTED],
  [Busy, status.ABORTED],
  [OutcomeUnknown, status.UNAVAILABLE],
  [CommandFailed, status.INTERNAL],
]

/** The status travels as an HTTP/2 header, and those are bounded. */
const MAX_DETAILS_LENGTH = 4000

/** The gRPC status of anything thrown. What is not an error of Loam's own is a bug: it is logged with its stack. */
export const statusOf = (thrown: unknown, log: Logger): { code: status; details: string } => {
  const details = messageOf(thrown).slice(0, MAX_DETAILS_LENGTH)
  const known = CODES.find(([errorClass]) => thrown instanceof errorClass)
  if (known !== undefined) return { code: known[1], details }
  if (!(thrown instanceof LoamError)) {
    log.error('unexpected error in a CSI call', {
      error: messageOf(thrown),
      stack: thrown instanceof Error ? thrown.stack : undefined,
    })
  }
  return { code: status.INTERNAL, details }
}
