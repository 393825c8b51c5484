import type { ChangeStep } from '../../core/failpoints.ts'

/** Steps that the lvm room passes. */
const ROOM_STEPS: readonly ChangeStep[] = [
  'write-lvm-config',
  'create-group',
  'extend-group',
  'close-disk',
  'open-disk',
  'resize-disk',
  'tag-group',
  'create-pool',
  'grow-pool',
  'grow-pool-metadata',
  'create-volume',
  'extend-volume',
  'tag-volume',
  'remove-volume',
  'activate-volume',
  'deactivate-volume',
  'flush-device',
  'make-file-system',
  'discard-space',
  'write-zeros',
  'make-nodes',
  'mark-disk-erasing',
]

/** Names of the steps at whose `when` a process was killed; a point reads `operation/when.step detail`. */
const stepsOf = (when: string, points: readonly string[]): readonly string[] =>
  points.flatMap((point) => {
    const [, moment, step = ''] = /^[^/]+\/([a-z]+)\.([a-z-]+)/.exec(point) ?? []
    return moment === when ? [step] : []
  })

/** Failpoints of the room at which no process was killed. */
export const unreached = (points: readonly string[]): readonly string[] =>
  ['before', 'after'].flatMap((when) => {
    const killed = stepsOf(when, points)
    return ROOM_STEPS.filter((step) => !killed.includes(step)).map((step) => `${when}.${step}`)
  })
