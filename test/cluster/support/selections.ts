import { SELECTED_NODE } from '../../../kube/claim-view.ts'
import type { Lab } from '../../lab/lab.ts'
import { auditEvents, type AuditEvent } from './audit-log.ts'

/** How often claims got a selected node, and lost it again. */
export interface Selections {
  readonly writes: number
  readonly removals: number
}

/** Of all claims of a namespace so far, by the audit log. */
export const selectionsIn = async (lab: Lab, namespace: string): Promise<Selections> => {
  const events = await auditEvents(
    lab,
    ({ objectRef, verb, responseStatus }) =>
      objectRef?.resource === 'persistentvolumeclaims' &&
      objectRef.namespace === namespace &&
      ['update', 'patch'].includes(verb) &&
      responseStatus?.code === 200,
  )
  const nodes = new Map<string, string | undefined>()
  let [writes, removals] = [0, 0]
  const byVersion = events.toSorted(
    (one, other) =>
      Number(one.responseObject?.metadata.resourceVersion) -
      Number(other.responseObject?.metadata.resourceVersion),
  )
  for (const { responseObject } of byVersion) {
    const { uid = '', annotations = {} } = responseObject?.metadata ?? {}
    const [before, now] = [nodes.get(uid), annotations[SELECTED_NODE]]
    if (now !== undefined && now !== before) writes += 1
    if (now === undefined && before !== undefined) removals += 1
    nodes.set(uid, now)
  }
  return { writes, removals }
}

/** From the answer to the creation of a pod to the request that binds it to a node, by the audit log. */
export const boundAfterMs = async (lab: Lab, namespace: string, pod: string): Promise<number> => {
  const events = await auditEvents(
    lab,
    ({ objectRef, verb }) =>
      objectRef?.resource === 'pods' && objectRef.namespace === namespace && verb === 'create',
  )
  const isBinding = ({ objectRef }: AuditEvent): boolean =>
    objectRef?.subresource === 'binding' && objectRef.name === pod
  const bound = events.find(isBinding)
  const created = events
    .slice(0, bound === undefined ? 0 : events.indexOf(bound))
    .findLast(({ objectRef }) => objectRef?.subresource === undefined)
  if (bound === undefined || created === undefined) throw new Error(`pod ${namespace}/${pod} was not bound`)
  return Date.parse(bound.requestReceivedTimestamp) - Date.parse(created.stageTimestamp)
}
