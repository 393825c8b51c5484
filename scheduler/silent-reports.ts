import { atStep } from '../core/failpoints.ts'
import type { Logger } from '../core/logger.ts'
import { reportedAbsence } from '../crd/absence.ts'
import { readyOf } from '../crd/ready.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import { Conflict, NotFound } from '../kube/errors.ts'
import type { LeaseGate } from '../kube/lease.ts'
import { CSI_STORAGE_CAPACITIES, NODE_LOCAL_STORAGES } from '../kube/resources.ts'
import type { EventRecorder, KubeClient, KubeObject, ObjectKey, ObjectStore } from '../kube/types.ts'
import type { ReconcileResult } from '../kube/work-queue.ts'
import type { Absence, Absences } from './absences.ts'
import { STANDBY_MS } from './standby.ts'

interface Tools {
  readonly client: KubeClient
  readonly namespace: string
  readonly events: EventRecorder
  readonly log: Logger
  readonly lease: LeaseGate
  readonly stores: { readonly reports: ObjectStore<NodeLocalStorage> }
  readonly absences: Pick<Absences, 'of' | 'lookAgainMs'>
  readonly now?: () => Date
}

const TELL_AGAIN_MS = 60_000

type Condition = NonNullable<NonNullable<NodeLocalStorage['status']>['conditions']>[number]

const ADVICE: Record<Absence['reason'], string> = {
  AgentSilent: 'what is shown here is as it was then; see the pod of DaemonSet "loam-agent" on that node',
  NodeGone: 'this object is kept with what people wrote into it; delete it when the node will not come back',
}

/** The conditions, of which only Ready changes: for the others nobody is there who knows better. */
const conditionsWith = (report: NodeLocalStorage, absence: Absence, now: Date): Condition[] => {
  const others = (report.status?.conditions ?? []).filter(({ type }) => type !== 'Ready')
  const time = now.toISOString().replace(/\.\d+Z$/, 'Z')
  const before = readyOf(report)
  const ready: Condition = {
    ...{ type: 'Ready', status: 'Unknown', reason: absence.reason },
    message: `${absence.what}; ${ADVICE[absence.reason]}`,
    lastTransitionTime: before?.status === 'Unknown' ? before.lastTransitionTime : time,
  }
  return [ready, ...others]
}

/**
 * Says in the reports of a node where nobody acts that they may no longer be true, and takes back what kube-scheduler was told
 * about it. The agent writes both anew when it is back. Nothing else is changed, and no report is ever deleted.
 */
export class SilentReports {
  readonly #tools: Tools
  /** When each report was last changed here: an agent that acts all the same would be answered without end. */
  readonly #toldAtMs = new Map<string, number>()

  constructor(tools: Tools) {
    this.#tools = tools
  }

  /** `name` is that of the NodeLocalStorage. @throws whatever should be tried again with backoff. */
  async reconcile(name: ObjectKey): Promise<ReconcileResult | undefined> {
    const { stores, lease, absences } = this.#tools
    const report = stores.reports.get(name)
    if (report === undefined) {
      this.#toldAtMs.delete(name)
      return undefined
    }
    if (!lease.isHeld()) return { requeueAfterMs: STANDBY_MS }
    const { nodeName } = report.spec
    const absence = await absences.of(nodeName)
    if (absence === undefined || reportedAbsence(report) === absence.reason)
      return { requeueAfterMs: absences.lookAgainMs(nodeName) }
    const waitMs = (this.#toldAtMs.get(name) ?? -Infinity) + TELL_AGAIN_MS - performance.now()
    if (waitMs > 0) return { requeueAfterMs: waitMs }
    await this.#withdraw(name)
    await this.#tell(name, absence)
    this.#toldAtMs.set(name, performance.now())
    return { requeueAfterMs: TELL_AGAIN_MS }
  }

  /** The capacity of a class on a node has the name of its report. */
  async #withdraw(name: string): Promise<void> {
    const { client, namespace } = this.#tools
    const at = { namespace, name }
    const uid = (await client.get<KubeObject>(CSI_STORAGE_CAPACITIES, at))?.metadata.uid
    if (uid === undefined) return
    await atStep('withdraw-capacity', () => client.delete(CSI_STORAGE_CAPACITIES, at, { uid }))
  }

  /**
   * Once the capacity is gone the report has to say so, also when its agent comes back at this moment: an agent that
   * reads this tells everything anew.
   */
  async #tell(name: string, absence: Absence): Promise<void> {
    const { client, log, events, now = () => new Date() } = this.#tools
    for (;;) {
      const report = await client.get<NodeLocalStorage>(NODE_LOCAL_STORAGES, { name })
      if (report === undefined || reportedAbsence(report) === absence.reason) return
      const { uid = '', resourceVersion } = report.metadata
      const status = { conditions: conditionsWith(report, absence, now()) }
      if (!(await this.#write(name, { metadata: { uid, resourceVersion }, status }))) continue
      log.warn('nobody acts on a node', { report: name, detail: absence.what })
      const message = `${absence.what}; ${ADVICE[absence.reason]}`
      const regarding = { apiVersion: 'loam.storage/v1alpha1', kind: 'NodeLocalStorage', name, uid }
      events.record({
        type: 'Warning',
        reason: absence.reason,
        action: 'WithdrawCapacity',
        message,
        regarding,
      })
      return
    }
  }

  /** False when it has changed since it was read. */
  async #write(name: string, body: object): Promise<boolean> {
    const options = { type: 'merge', subresource: 'status' } as const
    try {
      await atStep('tell-absence', () =>
        this.#tools.client.patch(NODE_LOCAL_STORAGES, { name }, body, options),
      )
      return true
    } catch (error) {
      if (error instanceof Conflict || error instanceof NotFound) return false
      throw error
    }
  }
}
