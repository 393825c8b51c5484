import { channel } from 'node:diagnostics_channel'

/**
 * Every step by which Loam changes something outside its own memory. The one registry: a program that changes
 * something cannot be run without naming its step, and the linter asks for it around the other changes.
 */
export const CHANGE_STEPS = [
  // LVM's metadata and its active devices
  'create-group',
  'extend-group',
  'close-disk',
  'open-disk',
  'resize-disk',
  'tag-group',
  'create-volume',
  'extend-volume',
  'create-pool',
  'grow-pool',
  'grow-pool-metadata',
  'tag-volume',
  'remove-volume',
  'activate-volume',
  'deactivate-volume',
  'refresh-volume',
  'make-nodes',
  // bytes on devices
  'flush-device',
  'make-file-system',
  'grow-file-system',
  'discard-space',
  'write-zeros',
  'scrub-raid-metadata',
  'mark-disk-erasing',
  // mounts and files of the node
  'write-lvm-config',
  'keep-metadata-copy',
  'drop-metadata-copy',
  'make-mount-point',
  'mount-device',
  'bind-mount',
  'restrict-mount',
  'unmount',
  'remove-mount-point',
  'show-socket',
  'remove-socket',
  // objects that say where data is
  'create-persistent-volume',
  'delete-persistent-volume',
  'drop-finalizer',
  'clear-selected-node',
  'select-node',
  'mark-volume',
  'withdraw-capacity',
  'tell-absence',
  'tell-expansion',
  'grow-persistent-volume',
] as const
export type ChangeStep = (typeof CHANGE_STEPS)[number]

/** A moment at which a crash is worth trying: just before a step, and just after it, whatever came of it. */
type Failpoint = `before.${ChangeStep}` | `after.${ChangeStep}`

/**
 * Name of the diagnostics channel on which failpoints are published as they are passed. Nobody subscribes in
 * production, and then passing one costs nothing; the crash tests subscribe from outside, and kill the process.
 */
export const FAILPOINT_CHANNEL = 'loam.failpoint'

const failpoints = channel(FAILPOINT_CHANNEL)

const pass = (failpoint: Failpoint): void => {
  if (failpoints.hasSubscribers) failpoints.publish(failpoint)
}

/** Does a change as the step of that name. @throws what the work throws. */
export const atStep = async <T>(step: ChangeStep, work: () => Promise<T>): Promise<T> => {
  pass(`before.${step}`)
  try {
    return await work()
  } finally {
    pass(`after.${step}`)
  }
}
