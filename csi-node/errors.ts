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

/** The agent's own copy of the cluster has no PersistentVolume for the volume: what its owner wrote cannot be told. */
export class VolumeNotKnownYet extends LoamError {
  override readonly reason = 'VolumeNotKnownYet'
  constructor(volumeId: string) {
    super(
      `volume "${volumeId}"`,
      'an SELinux label is asked for, and the agent does not know its PersistentVolume at the moment',
      {
        advice:
          'call again later; if it stays, the agent does not reach the API server, or the PersistentVolume lacks the ' +
          'label loam.storage/node',
      },
    )
  }
}

/** A volume of that name is there, and it is not as this request wants it. */
export class MadeOtherwise extends LoamError {
  override readonly reason = 'MadeOtherwise'
  constructor(name: string, what: string) {
    super(`volume "${name}"`, `it exists, and ${what}`, {
      advice: 'choose another name, or delete the volume that has this one',
    })
  }
}

/** No volume of this size can be made, or become so large. */
export class SizeOutOfRange extends LoamError {
  override readonly reason = 'SizeOutOfRange'
  constructor(what: string, advice: string) {
    super('capacity_range', what, { advice })
  }
}

/** The caller wants the volume where this plugin makes none. */
export class ElsewhereWanted extends LoamError {
  override readonly reason = 'ElsewhereWanted'
  constructor(nodeName: string, what: string) {
    super('accessibility_requirements', `${what}, and this plugin makes volumes on node "${nodeName}" only`, {
      advice: 'ask the plugin of the node that is wanted',
    })
  }
}

/** The list has changed, or the token was never given out. */
export class UnknownToken extends LoamError {
  override readonly reason = 'UnknownToken'
  constructor(token: string) {
    super('starting_token', `"${token}" was not given out by this plugin`, {
      advice: 'begin the list anew, without a token',
    })
  }
}

/** The call is not served here. */
export class NotServed extends LoamError {
  override readonly reason = 'NotServed'
  constructor(method: string, what: string, advice = '') {
    super(method, what, { advice })
  }
}

/** The logical volume is smaller than what is asked for. */
export class VolumeTooSmall extends LoamError {
  override readonly reason = 'VolumeTooSmall'
  constructor(volumeId: string, hasBytes: bigint, requiredBytes: bigint) {
    super(`volume "${volumeId}"`, `it has ${hasBytes} bytes, and ${requiredBytes} are asked for`, {
      advice:
        'ask for more at its claim: the agent makes the logical volume larger first; if the capacity of the ' +
        'PersistentVolume was written by hand, correct it',
    })
  }
}

/** Its file system cannot be made larger as it is mounted. */
export class MountedReadOnly extends LoamError {
  override readonly reason = 'MountedReadOnly'
  constructor(volumeId: string, path: string) {
    super(`volume "${volumeId}"`, `it is mounted read-only at "${path}", and cannot grow`, {
      advice: 'a file system that met an error becomes so: see the kernel log of the node',
    })
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
  constructor(path: string, what: string, options: { advice?: string; cause?: unknown } = {}) {
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
