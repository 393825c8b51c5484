import { randomBytes } from 'node:crypto'
import type { EventRequest, KubeObject } from './types.ts'

/** The event as events.k8s.io/v1 has it; only what Loam writes. */
export interface EventObject extends KubeObject {
  readonly eventTime: string
  readonly type: EventRequest['type']
  readonly reason: string
  readonly action: string
  readonly note: string
  readonly regarding: EventRequest['regarding']
  readonly reportingController: string
  readonly reportingInstance: string
}

/** Limits of k8s.io/kubernetes, pkg/apis/core/validation/events.go. */
const NOTE_LIMIT_BYTES = 1024
const INSTANCE_LIMIT = 128
/** An object name ends at 253 characters; the random part takes 17. */
const NAME_LIMIT = 236

/** MicroTime has six digits; the API server refuses the three that a Date gives. */
export const microTime = (date: Date): string => date.toISOString().replace('Z', '000Z')

/** The text, or as much of it as fits in 1024 bytes of UTF-8, ending in "…". */
export const cutNote = (message: string): string => {
  const bytes = Buffer.from(message)
  if (bytes.length <= NOTE_LIMIT_BYTES) return message
  // With `stream` a character that was cut in two is left out.
  return `${new TextDecoder().decode(bytes.subarray(0, NOTE_LIMIT_BYTES - 3), { stream: true })}…`
}

/** Events about cluster-scoped objects live in "default": the API server allows no other. */
const namespaceOf = ({ regarding }: EventRequest): string => regarding.namespace ?? 'default'

export const eventObject = (
  event: EventRequest,
  reporter: { readonly controller: string; readonly instance: string },
  now: Date,
): EventObject & { readonly metadata: { readonly namespace: string; readonly name: string } } => ({
  metadata: {
    namespace: namespaceOf(event),
    name: `${event.regarding.name.slice(0, NAME_LIMIT).replace(/[.-]+$/, '')}.${randomBytes(8).toString('hex')}`,
  },
  eventTime: microTime(now),
  type: event.type,
  reason: event.reason,
  action: event.action,
  note: cutNote(event.message),
  regarding: event.regarding,
  reportingController: reporter.controller,
  reportingInstance: reporter.instance.slice(0, INSTANCE_LIMIT),
})
