import { LoamError } from '../core/errors.ts'
import { describeBytes } from '../core/quantity.ts'

type ErrorOptions = ConstructorParameters<typeof LoamError>[2]

/** A complete group does not contain it. Never thrown when a part of the truth could not be read. */
export class NotFound extends LoamError {
  readonly reason = 'NotFound'
}

/** The group is healthy and too full. */
export class NoSpace extends LoamError {
  readonly reason = 'NoSpace'
  readonly requestedBytes: bigint
  readonly freeBytes: bigint

  constructor(object: string, sizes: { requestedBytes: bigint; freeBytes: bigint }) {
    const { requestedBytes, freeBytes } = sizes
    super(
      object,
      `${describeBytes(requestedBytes)} wanted (${requestedBytes} bytes in whole extents), ` +
        `${describeBytes(freeBytes)} free (${freeBytes} bytes)`,
    )
    this.requestedBytes = requestedBytes
    this.freeBytes = freeBytes
  }
}

/** Mounted, open, or held by another device; try again when the user is gone. */
export class InUse extends LoamError {
  readonly reason = 'InUse'
}

/**
 * The group cannot be seen whole, so nothing is concluded and nothing changed. Volumes stay usable.
 * `NotSeen`: none of its disks showed it. `DisksMissing`: some did. `MetadataWentBack`: an older state came back.
 */
export type FrozenBecause = 'NotSeen' | 'DisksMissing' | 'MetadataWentBack'

export class Frozen extends LoamError {
  readonly reason = 'Frozen'
  readonly because: FrozenBecause

  constructor(because: FrozenBecause, object: string, what: string, options: ErrorOptions = {}) {
    super(object, what, options)
    this.because = because
  }
}

/** The name is taken by something else. */
export class Conflict extends LoamError {
  readonly reason = 'Conflict'
}

/** What was found is not what was expected, or the request is not allowed. Nothing was changed. */
export class Refused extends LoamError {
  readonly reason = 'Refused'
}

/** An earlier command on the same object has not ended; nothing was started behind it. */
export class Busy extends LoamError {
  readonly reason = 'Busy'
}

/** A program could not be started, or ended with an error after which nothing had changed. */
export class CommandFailed extends LoamError {
  readonly reason = 'CommandFailed'
}

/** Neither success nor failure could be read back. Nothing may be concluded from it. */
export class OutcomeUnknown extends LoamError {
  readonly reason = 'OutcomeUnknown'
  /** Settles when the thing that was waited for ends at last; absent when nothing is running any more. */
  readonly ended: Promise<void> | undefined

  constructor(object: string, what: string, options: ErrorOptions & { ended?: Promise<void> } = {}) {
    const { ended, ...rest } = options
    super(object, what, rest)
    this.ended = ended
  }
}
