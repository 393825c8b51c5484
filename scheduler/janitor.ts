import { createWorkQueue, type WorkQueue } from '../kube/work-queue.ts'
import { Absences } from './absences.ts'
import type { Ports } from './ports.ts'
import { SilentReports } from './silent-reports.ts'
import { StrandedClaims } from './stranded-claims.ts'

/** Looks after what points at nodes where nobody acts any more: wires stores to queues, and queues to controllers. */
export const startJanitor = (ports: Omit<Ports, 'reckoning'>): readonly WorkQueue[] => {
  const { stores, log } = ports
  const absences = new Absences(ports)
  const strandedClaims = new StrandedClaims({ ...ports, absences })
  const silentReports = new SilentReports({ ...ports, absences })
  const claims = createWorkQueue({
    ...{ name: 'claims of absent nodes', concurrency: 4, log },
    reconcile: (key) => strandedClaims.reconcile(key),
  })
  const reports = createWorkQueue({
    ...{ name: 'reports of absent nodes', concurrency: 4, log },
    reconcile: (name) => silentReports.reconcile(name),
  })
  const wakeNode = (nodeName: string): void => {
    for (const [key, claim] of stores.claims.entries()) if (claim.selectedNode === nodeName) claims.add(key)
    for (const [name, { spec }] of stores.reports.entries()) if (spec.nodeName === nodeName) reports.add(name)
  }

  stores.agentLeases.onChange((_, now, before) => {
    const nodeName = (now ?? before)?.nodeName
    if (nodeName !== undefined) absences.heard(nodeName)
  })
  stores.nodes.onChange((nodeName, now) => {
    if (now !== undefined) return
    absences.forget(nodeName)
    wakeNode(nodeName)
  })
  stores.claims.onChange((key, now) => {
    if (now?.selectedNode !== undefined) claims.add(key)
  })
  stores.reports.onChange((name, now) => {
    if (now !== undefined) reports.add(name)
  })
  for (const [key] of stores.claims.entries()) claims.add(key)
  for (const [name] of stores.reports.entries()) reports.add(name)
  return [claims, reports]
}
