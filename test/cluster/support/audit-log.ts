import { readFile } from 'node:fs/promises'
import type { Lab } from '../../lab/lab.ts'
import type { KubeObject } from '../../lab/runtime/api.ts'

/** One finished request, as kube-apiserver's audit log has it (audit.k8s.io/v1 Event). */
export interface AuditEvent {
  readonly auditID: string
  readonly verb: string
  readonly requestURI: string
  readonly user: { readonly username: string }
  readonly userAgent?: string
  readonly objectRef?: {
    readonly resource: string
    readonly namespace?: string
    readonly name?: string
    readonly subresource?: string
  }
  readonly responseStatus?: { readonly code: number }
  /** Bodies are there only for writes of the resources that the policy names; see test/lab/control-plane/audit-policy.ts. */
  readonly requestObject?: unknown
  readonly responseObject?: KubeObject
  readonly requestReceivedTimestamp: string
  /** Requests are logged in the order in which they end. */
  readonly stageTimestamp: string
}

/** The events in the text of an audit log; its last line may be half written. */
export const readAuditLog = (text: string): readonly AuditEvent[] =>
  text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEvent)

/** All events so far that `wanted` accepts, in the order in which the requests ended. */
export const auditEvents = async (
  lab: Lab,
  wanted: (event: AuditEvent) => boolean,
): Promise<readonly AuditEvent[]> =>
  readAuditLog(await readFile(lab.directory.auditLog, 'utf8')).filter(wanted)
