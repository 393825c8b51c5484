import { schedule } from 'node-cron'
import { messageOf } from '../core/errors.ts'
import type { VolumeHandle } from '../core/naming.ts'
import type { ObjectKey } from '../kube/types.ts'
import { createWorkQueue, type WorkQueue } from '../kube/work-queue.ts'
import { reportedAbsence } from '../crd/absence.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import type { Metric } from '../process/metrics.ts'
import { queueMetrics } from '../process/queue-metrics.ts'
import type { GroupChange } from '../lvm/group-watch.ts'
import { ClaimController } from './claim-controller.ts'
import type { ClaimTools } from './claim-tools.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import { ClassKeeper } from './class-keeper.ts'
import { ClassReporter } from './class-reporter.ts'
import { Collector } from './collector.ts'
import type { Config } from './config.ts'
import { ExpansionController } from './expansion-controller.ts'
import type { LeaseGate } from '../kube/lease.ts'
import { collectorMetrics } from './metrics.ts'
import { OrphanEvents } from './orphan-events.ts'
import type { OwnNodeGate } from './own-node-check.ts'
import type { Identity, Ports } from './ports.ts'
import type { PersistentVolumeView } from './persistent-volume.ts'
import { ReclaimController } from './reclaim-controller.ts'
import { ReportWriter, type VolumeOwners } from './report-writer.ts'
import type { Stores } from './stores.ts'
import { volumesClaimedBy } from './unclaimed-volumes.ts'
import { VolumeReferences } from './volume-references.ts'
import { Turns } from './turns.ts'
import { UnplacedClaims } from './unplaced-claims.ts'

/** Changes of a burst are told in one report. */
const COALESCE_MS = 200
/** How soon a disk is looked at again that is being erased. */
const DISK_WORK_MS = 10_000
const SCHEDULE_SPREAD_MS = 20_000

export interface Controllers {
  /** Figures for people. */
  readonly metrics: readonly Metric[]
  /** Looks again at all classes that use a volume group of this name. */
  lookAgain(groupName: string): void
  /** Tells the numbers of a group again soon, or looks at its disks. */
  groupChanged(groupName: string, change: GroupChange): void
  /** Goes on with what waits for kubelet to let go of this volume. */
  volumeUnstaged(handle: VolumeHandle): void
  /** Starts nothing more, and waits for what is running. */
  stop(): Promise<void>
}

/** Classes that are there, and those of which only the report is left. */
const namesOfClasses = (stores: Stores): ReadonlySet<string> =>
  new Set([
    ...[...stores.classes.entries()].map(([name]) => name),
    ...[...stores.reports.entries()].map(([, report]) => report.spec.storageClassName),
  ])

/** Wires stores to queues and queues to controllers, and sets all of it going. */
export const startControllers = (
  { lease, ownNode, ...ports }: Ports & { readonly lease: LeaseGate; readonly ownNode: OwnNodeGate },
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

  const owners: VolumeOwners = {
    claimed: () => volumesClaimedBy(stores.persistentVolumes),
    held: () => collector.held,
  }
  const writer = new ReportWriter(ports, identity, stores.reports, owners, ownNode)
  const reporter = new ClassReporter(ports, identity, writer, (name, afterMs) =>
    reports.addAfter(name, afterMs),
  )
  const keeper = new ClassKeeper(ports, identity, stores, reporter, (name) =>
    reports.addAfter(name, COALESCE_MS),
  )
  const claimTools: ClaimTools = { ports, identity, claims: stores.claims, classes: keeper }
  const turns = new Turns()
  const claimController = new ClaimController({ ...claimTools, lease }, turns)
  const references = new VolumeReferences(ports.client)
  const reclaimController = new ReclaimController({
    ...{ ports, identity, known: stores.persistentVolumes, references, classes: keeper },
  })
  const expansionController = new ExpansionController(claimTools, stores.persistentVolumes)
  const unplacedClaims = new UnplacedClaims(claimTools)
  const tell = new OrphanEvents(ports.events, stores.reports)
  const collector = new Collector({ ports, identity, classes: keeper, references, tell, turns, config })

  const done = async (work: Promise<unknown>): Promise<undefined> => {
    await work
    return undefined
  }
  // Several at once: the disks of one class may not answer.
  const classes = queue('classes', 4, async (name) => {
    await keeper.reconcile(name)
    wakeClaims(name)
    return keeper.isWaitingForDisks(name) ? { requeueAfterMs: DISK_WORK_MS } : undefined
  })
  const reports = queue('reports', 4, (name) => done(keeper.publish(name, 'soon')))
  const claims = queue('claims', 4, (key) => claimController.reconcile(key))
  const unplaced = queue('unplaced claims', 1, (key) => unplacedClaims.reconcile(key))
  const persistentVolumes = queue('persistent volumes', 4, (name) => reclaimController.reconcile(name))
  const expansions = queue('expansions', 4, (name) => expansionController.reconcile(name))
  const orphans = queue('orphans', 1, () => collector.collect())
  const boundary = queue('own node', 1, async () => {
    if (await ownNode.look()) reportEverything()
    return undefined
  })

  const isOurs = ({ selectedNode }: ClaimView): boolean => selectedNode === identity.nodeName
  /** A claim that was refused is looked at again only minutes later, and its class may be what has changed. */
  const wakeClaims = (storageClassName: string): void => {
    for (const [key, claim] of stores.claims.entries())
      if (claim.storageClassName === storageClassName && isOurs(claim)) claims.add(key)
  }

  const expand = (persistentVolume: string): void => {
    if (expansionController.concerns(persistentVolume)) expansions.add(persistentVolume)
  }
  const heed = {
    storageClass: (name: ObjectKey): void => classes.add(name),
    report: (report: NodeLocalStorage | undefined, before: NodeLocalStorage | undefined): void => {
      const wanted = (each: NodeLocalStorage | undefined): string =>
        JSON.stringify([each?.spec, each?.metadata.annotations])
      const either = report ?? before
      // this agent was taken for silent, and what kube-scheduler was told was taken back: a look tells all of it anew
      if (report !== undefined && reportedAbsence(report) !== undefined)
        classes.add(report.spec.storageClassName)
      if (wanted(report) === wanted(before) || either === undefined) return
      for (const name of keeper.sharing(either)) classes.add(name)
    },
    claim: (key: ObjectKey, claim: ClaimView | undefined, before: ClaimView | undefined): void => {
      // Also one that left the view because it has got what it asked for.
      const bound = claim ?? before
      if (bound?.hasVolume === true) expand(bound.volumeName)
      if (before !== undefined && isOurs(before) && (claim === undefined || !isOurs(claim)))
        keeper.claimLeft(before)
      if (claim === undefined || claim.hasVolume) return
      if (claim.selectedNode === undefined) unplaced.addAfter(key, unplacedClaims.delayMs())
      else if (isOurs(claim)) {
        keeper.claimCame(claim)
        claims.add(key)
      }
    },
    persistentVolume: (
      name: ObjectKey,
      now: PersistentVolumeView | undefined,
      before: PersistentVolumeView | undefined,
    ): void => {
      persistentVolumes.add(name)
      expand(name)
      const handle = (now ?? before)?.handle
      // A logical volume got its PersistentVolume, or lost it.
      if (handle !== undefined && (now === undefined || before === undefined))
        keeper.groupChanged(handle.groupUuid)
    },
  }
  stores.classes.onChange(heed.storageClass)
  stores.reports.onChange((_, report, before) => heed.report(report, before))
  stores.claims.onChange(heed.claim)
  stores.persistentVolumes.onChange(heed.persistentVolume)
  // What was there before anybody listened: after a restart, all of it.
  for (const name of namesOfClasses(stores)) classes.add(name)
  for (const [key, claim] of stores.claims.entries()) heed.claim(key, claim, undefined)
  for (const [name] of stores.persistentVolumes.entries()) {
    persistentVolumes.add(name)
    expand(name)
  }

  /** All agents share the wall clock of a schedule: each begins at its own moment after it. */
  const spread = (): number => Math.random() * SCHEDULE_SPREAD_MS
  const reportEverything = (): void => {
    for (const [name] of stores.classes.entries()) reports.addAfter(name, spread())
  }
  const checkEverything = (): void => {
    for (const name of namesOfClasses(stores)) classes.addAfter(name, spread())
    for (const [name] of stores.persistentVolumes.entries()) {
      persistentVolumes.addAfter(name, spread())
      if (expansionController.concerns(name)) expansions.addAfter(name, spread())
    }
    orphans.addAfter('all', spread())
    boundary.addAfter('all', spread())
  }
  const schedules = [
    schedule(config.reportSchedule, reportEverything, { noOverlap: true }),
    schedule(config.checkSchedule, checkEverything, { noOverlap: true }),
  ]
  orphans.add('all')

  const queues = [classes, reports, claims, unplaced, persistentVolumes, expansions, orphans, boundary]
  return {
    metrics: [
      ...collectorMetrics(() => collector.counts),
      ...queueMetrics(() => queues.map((each) => each.load())),
    ],
    lookAgain: (groupName) => {
      for (const name of keeper.classesOfGroup(groupName)) classes.add(name)
    },
    groupChanged: (groupName, change) => {
      const concerned = change === 'disks' ? classes : reports
      for (const name of keeper.classesOfGroup(groupName)) concerned.addAfter(name, COALESCE_MS)
    },
    // a removal that met the volume in use is otherwise tried again after pauses that grow to minutes
    volumeUnstaged: ({ volumeUuid }) => {
      for (const [name, { handle }] of stores.persistentVolumes.entries())
        if (handle?.volumeUuid === volumeUuid) persistentVolumes.add(name)
    },
    stop: async () => {
      for (const regular of schedules)
        await Promise.resolve(regular.stop()).catch((error: unknown) =>
          log.warn('schedule did not stop', { error: messageOf(error) }),
        )
      await Promise.all(queues.map((each) => each.stop()))
    },
  }
}
