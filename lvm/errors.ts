import { LoamError } from '../core/errors.ts'
import { describeBytes } from '../core/quantity.ts'

type ErrorOptions = ConstructorParameters<typeof LoamError>[2]

/** A complete group does not contain it. Never thrown when a part of the truth could not be read. */
export class NotFound extends LoamError {
  readonly reason = 'NotFound'
}

/** The numbers of a refusal for want of space. */
interface Space {
  /** For people: `raid1 over 2 disks`. */
  readonly layout: string
  readonly requestedBytes: bigint
  /** The largest volume of that layout that fits. */
  readonly largestBytes: bigint
  readonly freeOnDisks: readonly { readonly path: string; readonly freeBytes: bigint }[]
  /** Why no more fits, where it is not the free space that bounds it. */
  readonly why?: string
  /** What other volumes take that have to be made together with it; they are counted as made. */
  readonly besideBytes?: bigint
}

const freeText = (disks: Space['freeOnDisks']): string =>
  disks.length === 0
    ? 'no disk is open for new volumes'
    : `free on its disks: ${disks.map(({ path, freeBytes }) => `${path} ${describeBytes(freeBytes)}`).join(', ')}`

/** The group is healthy, and too full or too small for it. */
export class NoSpace extends LoamError {
  readonly reason = 'NoSpace'
  readonly requestedBytes: bigint
  readonly largestBytes: bigint

  constructor(
    object: string,
    { layout, requestedBytes, largestBytes, freeOnDisks, why, besideBytes = 0n }: Space,
  ) {
    const beside =
      besideBytes === 0n ? '' : ` beside ${describeBytes(besideBytes)} for others of the same pod`
    super(
      object,
      `${describeBytes(requestedBytes)} wanted${beside} (${requestedBytes} bytes in whole extents, ${layout}), ` +
        `at most ${describeBytes(largestBytes)} fits (${largestBytes} bytes); ${why ?? freeText(freeOnDisks)}`,
    )
    this.requestedBytes = requestedBytes
    this.largestBytes = largestBytes
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

/** Somebody else is at work on the same object. */
export class Busy extends LoamError {
  readonly reason: string = 'Busy'
}

/** Earlier work on the same object has outlived its deadline and goes on; nothing is started behind it. */
export class Stuck extends Busy {
  override readonly reason = 'Stuck'
  /** What it is that does not end, and when it began. */
  readonly on: { readonly what: string; readonly since: Date }

  constructor(object: string, on: { readonly what: string; readonly since: Date }) {
    super(object, `${on.what} was started at ${on.since.toISOString()} and has not ended`, {
      advice:
        'a disk that does not answer is the usual cause: see the kernel log of the node, and repair its connection ' +
        'or take it out; nothing more is started here until then, and the rest goes on by itself',
    })
    this.on = on
  }
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
  /** When that thing was started. */
  readonly since: Date

  constructor(
    object: string,
    what: string,
    options: ErrorOptions & { ended?: Promise<void>; since?: Date } = {},
  ) {
    const { ended, since = new Date(), ...rest } = options
    super(object, what, rest)
    this.ended = ended
    this.since = since
  }
}
