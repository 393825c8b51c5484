import type { NodeLocalStorage } from '../crd/types.ts'
import type { EventRequest } from '../kube/types.ts'
import { isFault, type Condition } from './conditions.ts'

type Status = NonNullable<NodeLocalStorage['status']>
export type ReportEvent = Pick<EventRequest, 'type' | 'reason' | 'action' | 'message'>

/** Disks speak for themselves, one event each. */
const TOLD_OTHERWISE = new Set(['DisksAccepted'])

const diskEvents = (before: Status | undefined, after: Status): ReportEvent[] => {
  const known = new Map(before?.disks?.map((disk) => [disk.path, disk]))
  return (after.disks ?? []).flatMap((disk): ReportEvent[] => {
    const earlier = known.get(disk.path)
    if (earlier?.state === disk.state && earlier.reason === disk.reason) return []
    if (disk.state === 'Accepted' && (earlier === undefined || earlier.state === 'Accepted')) return []
    return [
      {
        type: disk.state === 'Accepted' ? 'Normal' : 'Warning',
        reason: `Disk${disk.state}`,
        action: 'JudgeDisk',
        message: `${disk.path}: ${disk.message ?? ''}`,
      },
    ]
  })
}

const isNews = (condition: Condition, before: Condition | undefined): boolean => {
  // What is not known is no news, neither is that it is well when it becomes known.
  if (condition.status === 'Unknown') return false
  const earlier = before?.status === 'Unknown' ? undefined : before
  if (isFault(condition)) return earlier?.status !== condition.status || earlier.reason !== condition.reason
  // That nothing is wrong at first is worth a word for the whole only.
  return earlier === undefined ? condition.type === 'Ready' : isFault(earlier)
}

/**
 * A condition that changed its value, or a fault that changed its reason. A text that changes is no news; neither is
 * a cause that Ready repeats, nor that the cause is over when Ready says so.
 */
const conditionEvents = (before: Status | undefined, after: Status): ReportEvent[] => {
  const known = new Map(before?.conditions?.map((condition) => [condition.type, condition]))
  const news = (after.conditions ?? []).filter(
    (condition) => !TOLD_OTHERWISE.has(condition.type) && isNews(condition, known.get(condition.type)),
  )
  const ready = news.find(({ type }) => type === 'Ready')
  const told = news.filter(
    (condition) =>
      ready === undefined || condition === ready || (isFault(condition) && condition.reason !== ready.reason),
  )
  return told.map((condition) => ({
    type: isFault(condition) ? 'Warning' : 'Normal',
    reason: condition.reason,
    action: 'Report',
    message: condition.message,
  }))
}

/** Events for people about what changed between the stored status and a new one. Pure: no memory of its own. */
export const eventsOf = (before: Status | undefined, after: Status): ReportEvent[] => [
  ...conditionEvents(before, after),
  ...diskEvents(before, after),
]
