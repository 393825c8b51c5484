import type { Metric } from '../process/metrics.ts'
import type { RefusalReason } from './pod-fit.ts'

/** Counts what the extender is asked and answers, for people. */
export class ExtenderMetrics {
  readonly #requests = new Map<string, { readonly labels: Record<string, string>; count: number }>()
  readonly #seconds = new Map<string, number>()
  readonly #refusals = new Map<string, number>()

  /** A request that was answered, and how long that took. */
  answered(verb: string, status: number, ms: number): void {
    const key = `${verb} ${status}`
    const entry = this.#requests.get(key) ?? { labels: { verb, status: String(status) }, count: 0 }
    entry.count += 1
    this.#requests.set(key, entry)
    this.#seconds.set(verb, (this.#seconds.get(verb) ?? 0) + ms / 1000)
  }

  /** A node that was refused to a pod. */
  refused(reason: RefusalReason): void {
    this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1)
  }

  get metrics(): readonly Metric[] {
    return [
      {
        ...{ kind: 'counter', name: 'loam_scheduler_extender_requests_total' },
        ...{ help: 'Requests of kube-scheduler that were answered.', labelNames: ['verb', 'status'] },
        read: () => [...this.#requests.values()].map(({ labels, count }) => ({ labels, value: count })),
      },
      {
        ...{ kind: 'counter', name: 'loam_scheduler_extender_seconds_total' },
        ...{ help: 'Time that the answers took.', labelNames: ['verb'] },
        read: () => [...this.#seconds].map(([verb, value]) => ({ labels: { verb }, value })),
      },
      {
        ...{ kind: 'counter', name: 'loam_scheduler_extender_refusals_total' },
        ...{ help: 'Nodes that were refused to pods, by reason.', labelNames: ['reason'] },
        read: () => [...this.#refusals].map(([reason, value]) => ({ labels: { reason }, value })),
      },
    ]
  }
}
