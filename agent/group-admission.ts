import type { ClaimDecision } from './claim-decision.ts'
import type { ClaimView } from '../kube/claim-view.ts'

type CreateDecision = Extract<ClaimDecision, { kind: 'create' }>

/** A claim of the group, and what would be done about it if it were alone. */
export interface Member {
  readonly name: string
  /** Undefined when it does not exist (yet). */
  readonly claim: ClaimView | undefined
  readonly decision: ClaimDecision
}

/** A claim that gets its volume. */
export interface Admitted {
  readonly claim: ClaimView
  readonly decision: CreateDecision
}

/** What to do about claims that are of use only together. */
export type GroupDecision =
  /** Not all of them have been given to this node: kube-scheduler writes them one after another. */
  | { readonly kind: 'wait'; readonly message: string }
  /** No node can serve one of them as it is: none is served, and all stay. */
  | { readonly kind: 'refuse'; readonly reason: string; readonly message: string }
  /** This node cannot serve all of them: those that have been given to it go back. */
  | { readonly kind: 'reschedule'; readonly reason: string; readonly message: string }
  | { readonly kind: 'create'; readonly admitted: readonly Admitted[] }

const whyNotHere = ({ name, claim, decision }: Member): string => {
  const why = decision.kind === 'ignore' ? decision.why : ''
  return claim === undefined ? `"${name}" does not exist` : `"${name}": ${why}`
}

type Rule = (members: readonly Member[], isPatient: boolean) => GroupDecision | undefined

/** A selection that is written for a part of them only pins the pod, so it does not stand for long. */
const notAllHere: Rule = (members, isPatient) => {
  const missing = members.filter(({ decision }) => decision.kind === 'ignore')
  if (missing.length === 0) return undefined
  const message = `not all claims of the pod have been given to this node: ${missing.map(whyNotHere).join('; ')}`
  return isPatient
    ? { kind: 'wait', message }
    : { kind: 'reschedule', reason: 'PodClaimsIncomplete', message }
}

const oneIsRefused: Rule = (members) => {
  const refused = members.find(({ decision }) => decision.kind === 'refuse')
  if (refused?.decision.kind !== 'refuse') return undefined
  if (members.length < 2) return refused.decision
  const message = `claim "${refused.name}" of the same pod can be served by no node (${refused.decision.reason}): no volume is made before it can`
  return { kind: 'refuse', reason: 'PodClaimRefused', message }
}

const oneCannotBeHere: Rule = (members) => {
  const first = members.find(({ decision }) => decision.kind === 'reschedule')
  if (first?.decision.kind !== 'reschedule') return undefined
  const { reason, message } = first.decision
  return { kind: 'reschedule', reason, message: members.length < 2 ? message : `"${first.name}": ${message}` }
}

/**
 * All or nothing; the first rule that speaks wins. Pure: it has no memory, so a crash between any two steps is a new
 * decision from what is there. `isPatient` says whether there is still time to wait for the scheduler.
 */
export const decideGroup = (members: readonly Member[], isPatient: boolean): GroupDecision => {
  for (const rule of [notAllHere, oneIsRefused, oneCannotBeHere]) {
    const decision = rule(members, isPatient)
    if (decision !== undefined) return decision
  }
  const admitted = members.flatMap(({ claim, decision }): Admitted[] =>
    claim !== undefined && decision.kind === 'create' ? [{ claim, decision }] : [],
  )
  return { kind: 'create', admitted }
}

/** A message about the node, which says before its numbers what was asked for. */
export const describeTogether = (
  nodeName: string,
  pod: string | undefined,
  members: readonly Member[],
  message: string,
): string => {
  if (pod === undefined) return `node ${nodeName}: ${message}`
  const asked = members.map(({ name, claim }) => `"${name}" ${claim?.request ?? 'missing'}`).join(', ')
  return `node ${nodeName}, for all claims of pod "${pod}" together (${asked}): ${message}`
}
