import { schedule } from 'node-cron'
import { messageOf } from '../core/errors.ts'
import type { ObjectKey } from '../kube/types.ts'
import { createWorkQueue, type WorkQueue } from '../kube/work-queue.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import { ClaimController } from './claim-controller.ts'
import type { ClaimView } from './claim-view.ts'
import { ClassKeeper } from './class-keeper.ts'
import { ClassReporter } from './class-reporter.ts'
import { Collector } from './collector.ts'
import type { Config } from './config.ts'
import type { Identity, Ports } from './ports.ts'
import { ReclaimController } from './reclaim-controller.ts'
import type { Stores } from './stores.ts'
import { UnplacedClaims } from './unplaced-claims.ts'

/** Changes of a burst are told in one report. */
const COALESCE_MS = 200
/** How soon a disk is looked at again that is being erased. */
const DISK_WORK_MS = 10_000
/** All agents share the wall clock of the schedule: each starts its report at its own moment after it. */
const SCHEDULE_SPREAD_MS = 20_000

export interface Controllers {
  /** Starts nothing more, and waits for what is running. */
  stop(): Promise<void>
}

/** Wires stores to queues and queues to controllers, and sets all of it going. */
export const startControllers = (
  ports: Ports,
  identity: Identity,
  stores: Stores,
  config: Config,
): Controllers => {
  const { log } = ports
  const queue = (
    name: string,
    concurrency: number,
    reconcile: Parameters<typeof createWorkQueue>[0]['reconcile'],
  ): WorkQueue => createWorkQueue({ name, concurrency, reconcile, log })

  const keeper = new ClassKeeper(ports, identity, stores, new ClassReporter(ports, identity), (name) =>
    reports.addAfter(name, COALESCE_MS),
  )
  const claimController = new ClaimController(ports, identity, stores.claims, keeper)
  const reclaimController = new ReclaimController(ports, stores.persistentVolumes, keeper)
  const unplacedClaims = new UnplacedClaims(ports, identity, stores.claims, keeper)
  const collector = new Collector(ports, identity, keeper, config.orphanGraceMs)

  const done = async (work: Promise<unknown>): Promise<undefined> => {
    await work
    return undefined
  }
  const classes = queue('classes', 1, async (name) => {
    await keeper.reconcile(name)
    return keeper.isWaitingForDisks(name) ? { requeueAfterMs: DISK_WORK_MS } : undefined
  })
  const reports = queue('reports', 1, (name) => done(keeper.publish(name)))
  const claims = queue('claims', 4, (key) => claimController.reconcile(key))
  const unplaced = queue('unplaced claims', 1, (key) => unplacedClaims.reconcile(key))
  const persistentVolumes = queue('persistent volumes', 4, (name) => reclaimController.reconcile(name))
  const orphans = queue('orphans', 1, () => done(collector.collect()))

  const heed = {
    storageClass: (name: ObjectKey): void => classes.add(name),
    report: (report: NodeLocalStorage | undefined, before: NodeLocalStorage | undefined): void => {
      const wanted = (each: NodeLocalStorage | undefined): string =>
        JSON.stringify([each?.spec, each?.metadata.annotations])
      const either = report ?? before
      if (wanted(report) === wanted(before) || either === undefined) return
      for (const name of keeper.sharing(either)) classes.add(name)
    },
    claim: (key: ObjectKey, claim: ClaimView | undefined): void => {
      if (claim === undefined) return
      if (claim.selectedNode === undefined) unplaced.addAfter(key, unplacedClaims.delayMs())
      else claims.add(key)
    },
    persistentVolume: (name: ObjectKey): void => persistentVolumes.add(name),
  }
  stores.classes.onChange(heed.storageClass)
  stores.reports.onChange((_, report, before) => heed.report(report, before))
  stores.claims.onChange(heed.claim)
  stores.persistentVolumes.onChange(heed.persistentVolume)
  // What was there before anybody listened: after a restart, all of it.
  for (const [name] of stores.classes.entries()) heed.storageClass(name)
  for (const [, report] of stores.reports.entries()) heed.report(report, undefined)
  for (const [key, claim] of stores.claims.entries()) heed.claim(key, claim)
  for (const [name] of stores.persistentVolumes.entries()) heed.persistentVolume(name)

  const lookAtEverything = (): void => {
    const spread = (): number => Math.random() * SCHEDULE_SPREAD_MS
    for (const [name] of stores.classes.entries()) classes.addAfter(name, spread())
    for (const [name] of stores.persistentVolumes.entries()) persistentVolumes.addAfter(name, spread())
    orphans.addAfter('all', spread())
  }
  const regular = schedule(config.reportSchedule, lookAtEverything, { noOverlap: true })
  orphans.add('all')

  const queues = [classes, reports, claims, unplaced, persistentVolumes, orphans]
  return {
    stop: async () => {
      await Promise.resolve(regular.stop()).catch((error: unknown) =>
        log.warn('schedule did not stop', { error: messageOf(error) }),
      )
      await Promise.all(queues.map((each) => each.stop()))
    },
  }
}
