import { LoamError } from '../core/errors.ts'

/** A field of the request is missing, or its value is not allowed. */
export class InvalidField extends LoamError {
  override readonly reason = 'InvalidField'
  constructor(field: string, what: string, advice = '') {
    super(field, what, { advice })
  }
}

/** The volume is not on this node, or the id is not one that Loam gave out. */
export class UnknownVolume extends LoamError {
  override readonly reason = 'UnknownVolume'
  constructor(volumeId: string, what: string, advice = '') {
    super(`volume "${volumeId}"`, what, { advice })
  }
}

/** Another call for the volume has not ended. */
export class CallPending extends LoamError {
  override readonly reason = 'CallPending'
  constructor(volumeId: string, pendingMethod: string) {
    super(`volume "${volumeId}"`, `${pendingMethod} is still running for it`, { advice: 'call again later' })
  }
}

/** NodePublishVolume came before NodeStageVolume, or after NodeUnstageVolume. */
export class NotStaged extends LoamError {
  override readonly reason = 'NotStaged'
  constructor(volumeId: string, what: string) {
    super(`volume "${volumeId}"`, what, { advice: 'NodeStageVolume comes first' })
  }
}

/** The path carries this volume already, but not as the request wants it. */
export class PublishedOtherwise extends LoamError {
  override readonly reason = 'PublishedOtherwise'
  constructor(path: string, what: string) {
    super(`"${path}"`, what, { advice: 'unpublish or unstage it first' })
  }
}

/** Something that is not this volume is at the path: it is left alone. */
export class PathOccupied extends LoamError {
  override readonly reason = 'PathOccupied'
  constructor(path: string, what: string, advice: string) {
    super(`"${path}"`, what, { advice })
  }
}

/** A claim of access mode ReadWriteOncePod is published to a pod already. */
export class SecondPod extends LoamError {
  override readonly reason = 'SecondPod'
  constructor(volumeId: string, otherTarget: string) {
    super(`volume "${volumeId}"`, `it may be used by one pod only, and is published at "${otherTarget}"`, {
      advice: 'the other pod has to end first',
    })
  }
}

/** The kernel says that the mount is in use (EBUSY): it stays. */
export class MountInUse extends LoamError {
  override readonly reason = 'MountInUse'
  constructor(path: string, output: string) {
    super(`"${path}"`, `it is in use and stays mounted: ${output}`, {
      advice: 'find the process that has files open there, for example with fuser -vm',
    })
  }
}

/** A mount or umount failed, or did not have the effect that it reported. */
export class MountFailed extends LoamError {
  override readonly reason = 'MountFailed'
  constructor(path: string, what: string, options: { cause?: unknown } = {}) {
    super(`"${path}"`, what, options)
  }
}

/** The caller went away, or its deadline passed; what was begun may have been done. */
export class CallCancelled extends LoamError {
  override readonly reason = 'CallCancelled'
  constructor() {
    super('the call', 'was cancelled, or its deadline passed')
  }
}

/** A socket cannot be made. */
export class SocketUnusable extends LoamError {
  override readonly reason = 'SocketUnusable'
  constructor(path: string, what: string, options: { advice?: string; cause?: unknown } = {}) {
    super(`socket "${path}"`, what, options)
  }
}
