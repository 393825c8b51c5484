import type { AuditEvent } from '../../cluster/support/audit-log.ts'

const AGENT = 'system:serviceaccount:loam-system:loam-agent'

/** Milliseconds since the epoch; the audit log has microseconds, which Date would drop. */
export const timeOf = (timestamp: string): number => {
  const [, seconds = '', fraction = ''] = /^(.+:\d\d)(\.\d+)?Z$/.exec(timestamp) ?? []
  return Date.parse(`${seconds}Z`) + Number(`0${fraction}`) * 1000
}

export interface Period {
  readonly fromMs: number
  readonly toMs: number
}

const isWithin = ({ fromMs, toMs }: Period, { stageTimestamp }: AuditEvent): boolean => {
  const at = timeOf(stageTimestamp)
  return at >= fromMs && at <= toMs
}

/** Whatever the agent wrote in that time: every verb and kind, dry runs and refused requests included. */
export const agentWrites = (events: readonly AuditEvent[], period: Period): readonly AuditEvent[] =>
  events.filter((event) => event.user.username === AGENT && isWithin(period, event))

/** How many writes there were of each kind of object: `patch-leases`. */
export const countByKind = (events: readonly AuditEvent[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const { verb, objectRef } of events) {
    const subresource = objectRef?.subresource === undefined ? '' : `-${objectRef.subresource}`
    const kind = `${verb}-${objectRef?.resource ?? 'unknown'}${subresource}`
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

/** The moments of a claim, by the API server's clock: each when the answer was sent. */
export interface Way {
  /** The node was written on the claim. */
  readonly selectedMs: number
  /** kube-controller-manager had asked our provisioner: before, no provisioner may act. */
  readonly askedMs: number
  /** The PersistentVolume was acknowledged. */
  readonly acknowledgedMs: number
}

const isOk = ({ responseStatus }: AuditEvent): boolean => (responseStatus?.code ?? 0) < 300

/** Where the claim's writes are in the log. @throws Error when one of them is not there */
export const wayOf = (events: readonly AuditEvent[], claim: string, volume: string): Way => {
  const about = (resource: string, name: string): readonly AuditEvent[] =>
    events.filter(({ objectRef }) => objectRef?.resource === resource && objectRef.name === name)
  const first = (what: string, found: readonly AuditEvent[], afterMs = 0): number => {
    const times = found.filter(isOk).map(({ stageTimestamp }) => timeOf(stageTimestamp))
    const time = times.find((each) => each >= afterMs)
    if (time === undefined) throw new Error(`claim "${claim}": the audit log does not have that ${what}`)
    return time
  }
  const ofClaim = about('persistentvolumeclaims', claim)
  const selectedMs = first(
    'its node was written',
    ofClaim.filter(({ verb }) => verb === 'patch'),
  )
  const askedMs = first(
    'a provisioner was asked',
    ofClaim.filter(({ verb }) => verb === 'update'),
    // The controller's answer may overtake the scheduler's in the log, never its request.
    selectedMs - 1000,
  )
  const acknowledgedMs = first(
    'its volume was made',
    about('persistentvolumes', volume).filter(({ verb }) => verb === 'create'),
  )
  return { selectedMs, askedMs, acknowledgedMs }
}

/**
 * How long the scheduler did not know what a volume took: from its POST, which follows the logical volume at once, until
 * the next CSIStorageCapacity was acknowledged. Not above zero when it was told before. @throws Error when it never was
 */
export const untoldMs = (events: readonly AuditEvent[], { selectedMs }: Way, volume: string): number => {
  const post = events.find(
    (event) => event.verb === 'create' && event.objectRef?.name === volume && isOk(event),
  )
  const told = events.find(
    (event) =>
      event.objectRef?.resource === 'csistoragecapacities' &&
      isOk(event) &&
      timeOf(event.requestReceivedTimestamp) >= selectedMs,
  )
  if (post === undefined || told === undefined)
    throw new Error(`volume "${volume}": the audit log does not have that its capacity was told`)
  return timeOf(told.stageTimestamp) - timeOf(post.requestReceivedTimestamp)
}
