import { Frozen, NotFound, OutcomeUnknown } from './errors.ts'
import type { ActiveVolumes } from './active-volumes.ts'
import { proofOf, type DiskStates } from './disk-state.ts'
import { flushGroup } from './flush.ts'
import { readGroupOnDisks } from './group-on-disks.ts'
import { GroupHistory, markOf } from './history.ts'
import type { Lvm } from './lvm.ts'
import { ProvenRead } from './proven-read.ts'
import { isRaid } from './raid-legs.ts'
import { parseReport, reportCommand, type GroupReport } from './report.ts'
import type { StuckWork } from './stuck-work.ts'
import type { GroupMark } from './types.ts'

export interface KnownGroupTools {
  readonly lvm: Lvm
  /** Groups, by name, on which work has not ended. */
  readonly stuck: StuckWork
  readonly disks: DiskStates
  readonly active: ActiveVolumes
}

/** A report, and where it shows the metadata to be. */
interface Marked {
  readonly report: GroupReport
  readonly mark: GroupMark
}

/** A volume group of ours, and the devices under which LVM finds it. */
export class KnownGroup {
  readonly name: string
  readonly uuid: string
  readonly history = new GroupHistory()
  readonly #tools: KnownGroupTools
  readonly #reports: ProvenRead<Marked>
  #devices: readonly string[]
  #last: GroupReport | undefined
  #flushed = false

  constructor(tools: KnownGroupTools, group: { name: string; uuid: string; devices: readonly string[] }) {
    this.name = group.name
    this.uuid = group.uuid
    this.#devices = group.devices
    this.#tools = tools
    this.#reports = new ProvenRead(
      () => this.#proof(),
      () => tools.stuck.watch(this.name, () => this.#read()),
      () => this.#readOnDisks(),
    )
  }

  /** Paths that LVM may see when it works on this group: exactly its own disks. */
  get devices(): readonly string[] {
    return this.#devices
  }

  /**
   * Disks that joined, and paths that lead to something else by now. A path that leads nowhere stays: its disk may
   * come back.
   */
  addDevices(joined: readonly string[], astray: readonly string[] = []): void {
    const kept = this.#devices.filter((device) => !astray.includes(device))
    this.#devices = [...new Set([...kept, ...joined])]
  }

  /** The newest report there is; it may be out of date when somebody works in the group by hand. */
  get last(): GroupReport | undefined {
    return this.#last
  }

  /** Makes what the newest report showed safe from a power cut. */
  async flush(): Promise<void> {
    await flushGroup((this.#last ?? (await this.fresh())).group)
    this.#flushed = true
  }

  /** Flushes unless this process did: one before it may have died between a change and its flush. */
  async flushOnce(): Promise<void> {
    if (!this.#flushed) await this.flush()
  }

  /**
   * What was true at some moment after the call: the report that was made last, when the headers of the metadata and
   * the active devices are what they were then; else a new one. Callers of the same moment share it.
   *
   * That a volume was opened or closed since does not show in it.
   *
   * @throws Frozen when LVM does not show the group, or its metadata went back in time; Stuck at once when earlier
   *   work on the group has not ended.
   */
  fresh(): Promise<GroupReport> {
    return this.#judged(() => (this.#hasActiveRaid() ? this.#reports.reread() : this.#reports.fresh()))
  }

  /**
   * As fresh, and what has changed is read from the disks where they can tell, as `current` does: a report by LVM takes ten
   * times as long, and has changes of ours wait for it.
   */
  glance(): Promise<GroupReport> {
    return this.#judged(() => (this.#hasActiveRaid() ? this.#reports.reread() : this.#reports.cheapest()))
  }

  /**
   * A report by LVM that began after the call, for what a change came to, and before anything is destroyed.
   *
   * @throws as fresh.
   */
  reread(): Promise<GroupReport> {
    return this.#judged(() => this.#reports.reread())
  }

  /**
   * What the disks say, read after the call: their own metadata, when all of it can be understood and is the same on each
   * of them; else a report by LVM. Whether an active volume is open does not show in it: each counts as open.
   *
   * @throws as fresh.
   */
  async current(): Promise<GroupReport> {
    return (await this.#judgedOnDisks()) ?? (await this.reread())
  }

  /**
   * What a change by LVM came to, in the judgement of `check`; safe from a power cut when it returns. Read from the
   * disks after they were flushed, so that what is believed is what they have written; where they cannot tell, LVM is
   * asked, and they are flushed after that.
   *
   * @throws as fresh and flush, and what `check` throws.
   */
  async confirm<T>(check: (report: GroupReport) => T): Promise<T> {
    const isFlushed = await this.#tryToFlush()
    const onDisks = isFlushed ? await this.#judgedOnDisks() : undefined
    if (onDisks !== undefined) return check(onDisks)
    const checked = check(await this.reread())
    await this.flush()
    return checked
  }

  /** @throws OutcomeUnknown when a disk does not answer: nothing is started behind that. */
  async #tryToFlush(): Promise<boolean> {
    try {
      await this.flush()
      return true
    } catch (error) {
      if (error instanceof OutcomeUnknown) throw error
      return false
    }
  }

  /** Whether a leg is missing, and how far the legs are in sync, only the kernel knows, and LVM asks it. */
  #hasActiveRaid(): boolean {
    return this.#last?.volumes.some((volume) => isRaid(volume) && volume.active) ?? false
  }

  async #judged(read: () => Promise<Marked>): Promise<GroupReport> {
    this.#tools.stuck.refuse(this.name)
    return this.#judge(await read())
  }

  async #judgedOnDisks(): Promise<GroupReport | undefined> {
    this.#tools.stuck.refuse(this.name)
    const found = await this.#reports.cheap()
    return found === undefined ? undefined : this.#judge(found)
  }

  #judge({ report, mark }: Marked): GroupReport {
    this.history.judge(this.name, mark)
    this.#last = report
    return report
  }

  /** One text for all that a report depends on; undefined when it cannot be told. */
  async #proof(): Promise<string | undefined> {
    const disks = proofOf(await this.#tools.disks.of(this.#devices))
    const active = await this.#tools.active.markOf(this.uuid)
    return disks === undefined || active === undefined ? undefined : `${disks}\n${active}`
  }

  async #readOnDisks(): Promise<Marked | undefined> {
    const last = this.#last
    const report = last === undefined ? undefined : await readGroupOnDisks(this.#tools, this, last)
    return report === undefined ? undefined : { report, mark: markOf(report) }
  }

  async #read(): Promise<Marked> {
    const { groups } = parseReport(await this.#tools.lvm.read(reportCommand, this.#devices))
    const report = groups.find(({ group }) => group.uuid === this.uuid)
    if (report !== undefined) return { report, mark: markOf(report) }
    const seenOn = this.#devices.join(', ')
    throw new Frozen('NotSeen', `volume group "${this.name}"`, `not seen on its disks (${seenOn})`, {
      advice: 'are they attached?',
    })
  }
}

/** The groups that ensureGroup has met since this process started. */
export class KnownGroups {
  readonly #groups = new Map<string, KnownGroup>()

  all(): readonly KnownGroup[] {
    return [...this.#groups.values()]
  }

  byName(name: string): KnownGroup | undefined {
    return this.all().find((group) => group.name === name)
  }

  remember(group: KnownGroup): void {
    this.#groups.set(group.uuid, group)
  }

  forget(name: string): void {
    for (const group of this.all()) if (group.name === name) this.#groups.delete(group.uuid)
  }

  /** @throws Frozen for a group that was not met: whether its volumes exist cannot be told. */
  byUuid(uuid: string): KnownGroup {
    const known = this.#groups.get(uuid)
    if (known !== undefined) return known
    throw new Frozen(
      'NotSeen',
      `volume group with UUID ${uuid}`,
      'not seen on this node since the agent started',
      {
        advice: 'it appears when its disks do and their class has been looked at',
      },
    )
  }
}

/** @throws Frozen when a disk of the group is missing: LVM then shows free space that it cannot give. */
export const requireComplete = ({ group }: GroupReport): void => {
  if (group.missingPhysicalVolumes === 0) return
  const missing = group.physicalVolumes.filter((disk) => disk.missing).map((disk) => disk.uuid)
  throw new Frozen(
    'DisksMissing',
    `volume group "${group.name}"`,
    `${group.missingPhysicalVolumes} of ${group.physicalVolumes.length} disks missing (PhysicalVolume ${missing.join(', ')})`,
    { advice: 'attach them again; nothing is changed in this group until then' },
  )
}

/**
 * The volume in a report of its group.
 *
 * @throws NotFound when the complete group lacks it, Frozen when it may be on a missing disk.
 */
export const requireVolume = (report: GroupReport, volumeUuid: string): GroupReport['volumes'][number] => {
  const found = report.volumes.find((volume) => volume.handle.volumeUuid === volumeUuid)
  if (found !== undefined) return found
  requireComplete(report)
  throw new NotFound(
    `logical volume with UUID ${volumeUuid}`,
    `not in volume group "${report.group.name}", all of whose disks are there`,
  )
}
