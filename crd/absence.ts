import { readyOf } from './ready.ts'
import type { NodeLocalStorage } from './types.ts'

/** Why the scheduler process has set Ready to Unknown in a report: nobody acts on its node. */
const ABSENCE_REASONS = ['NodeGone', 'AgentSilent'] as const

export type AbsenceReason = (typeof ABSENCE_REASONS)[number]

/** Why nobody acts on the node, as the report says; undefined when it does not say so. */
export const reportedAbsence = (report: NodeLocalStorage): AbsenceReason | undefined => {
  const ready = readyOf(report)
  return ready?.status === 'Unknown' ? ABSENCE_REASONS.find((reason) => reason === ready.reason) : undefined
}
