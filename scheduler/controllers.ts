import { readyOf } from '../crd/ready.ts'
import type { ObjectStore } from '../kube/types.ts'
import { createWorkQueue } from '../kube/work-queue.ts'
import type { Metric } from '../process/metrics.ts'
import { queueMetrics } from '../process/queue-metrics.ts'
import { ImmediateClaims } from './immediate-claims.ts'
import { startJanitor } from './janitor.ts'
import type { Ports } from './ports.ts'
import { VolumeMarks } from './volume-marks.ts'

export interface Controllers {
  /** Figures for people. */
  readonly metrics: readonly Metric[]
  /** Starts nothing more, and waits for what is running. */
  stop(): Promise<void>
}

/** Changes of a burst wake waiting claims once. */
const COALESCE_MS = 200

/** Wires stores to queues and queues to controllers, and sets all of it going. */
export const startControllers = (ports: Ports): Controllers => {
  const { stores, log, reckoning } = ports
  const immediate = new ImmediateClaims({ ...ports, ...reckoning })
  // One after another: each placement counts those before it.
  const claims = createWorkQueue({
    ...{ name: 'immediate claims', concurrency: 1, log },
    reconcile: (key) => immediate.reconcile(key),
  })
  const marks = new VolumeMarks(ports)
  const volumes = createWorkQueue({
    ...{ name: 'volumes without marks', concurrency: 4, log },
    reconcile: (name) => marks.reconcile(name),
  })
  const wakeAll = (): void => {
    for (const key of immediate.waiting()) claims.addAfter(key, COALESCE_MS)
  }
  /** What matters here of a Node and of a report changes seldom; their heartbeats and times all the while. */
  const wakeOnChange = <Kept>(store: ObjectStore<Kept>, matters: (kept: Kept) => unknown): void =>
    store.onChange((_, now, before) => {
      const text = (kept: Kept | undefined): string =>
        JSON.stringify(kept === undefined ? null : matters(kept))
      if (text(now) !== text(before)) wakeAll()
    })

  stores.claims.onChange((key, now, before) => {
    immediate.heed(now, before)
    // a claim that leaves may leave room
    if (now === undefined) wakeAll()
    else claims.add(key)
  })
  wakeOnChange(stores.classes, ({ uid }) => uid)
  wakeOnChange(stores.nodes, (node) => node)
  wakeOnChange(stores.reports, (report) => [
    report.status?.volumeGroup?.largestVolume,
    report.status?.room?.disks,
    readyOf(report)?.status,
  ])
  stores.volumes.onChange((name, now) => {
    if (now?.unmarked !== undefined) volumes.add(name)
  })
  for (const key of immediate.waiting()) claims.add(key)
  for (const [name, { unmarked }] of stores.volumes.entries()) if (unmarked !== undefined) volumes.add(name)
  const queues = [claims, volumes, ...startJanitor(ports)]
  return {
    metrics: queueMetrics(() => queues.map((queue) => queue.load())),
    stop: async () => {
      await Promise.all(queues.map((queue) => queue.stop()))
    },
  }
}
