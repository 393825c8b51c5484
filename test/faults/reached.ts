import type { ChangeStep } from '../../core/failpoints.ts'

/** Steps that the life of a volume passes, its group included. */
const LIFE_STEPS: readonly ChangeStep[] = [
  'write-lvm-config',
  'create-group',
  'tag-group',
  'create-volume',
  'tag-volume',
  'remove-volume',
  'activate-volume',
  'deactivate-volume',
  'flush-device',
  'make-file-system',
  'discard-space',
  'write-zeros',
]

/** Names of the steps at whose `when` a process was killed; a point reads `operation/when.step detail`. */
export const stepsOf = (when: string, points: readonly string[]): readonly string[] =>
  points.flatMap((point) => {
    const [, moment, step = ''] = /^[^/]+\/([a-z]+)\.([a-z-]+)/.exec(point) ?? []
    return moment === when ? [step] : []
  })

/** Failpoints of a volume's life at which no process was killed. */
export const unreached = (points: readonly string[]): readonly string[] =>
  ['before', 'after'].flatMap((when) => {
    const killed = stepsOf(when, points)
    return LIFE_STEPS.filter((step) => !killed.includes(step)).map((step) => `${when}.${step}`)
  })
