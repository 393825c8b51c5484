import { messageOf } from '../core/errors.ts'
import type { VolumeHandle } from '../core/naming.ts'
import { viewClaim, type PersistentVolumeClaim } from '../kube/claim-view.ts'
import { PERSISTENT_VOLUMES, PERSISTENT_VOLUME_CLAIMS } from '../kube/resources.ts'
import type { LogicalVolume } from '../lvm/types.ts'
import type { ClassKeeper } from './class-keeper.ts'
import type { Config } from './config.ts'
import type { OrphanEvents } from './orphan-events.ts'
import { viewPersistentVolume, type PersistentVolume } from './persistent-volume.ts'
import type { Identity, Ports } from './ports.ts'
import type { Turns } from './turns.ts'
import type { VolumeReferences } from './volume-references.ts'

/** More than these at once look like a lost etcd, not like crashes: a person decides. */
const MAX_AT_ONCE = 5

interface Orphan {
  readonly volume: LogicalVolume
  readonly claimUid: string
}

/** What the collector has seen and done since it started. */
export interface CollectorCounts {
  /** Volumes without owner at the last look, whether or not their grace is over. */
  readonly found: number
  /** Those of them that a person is asked about. */
  readonly held: number
  readonly collected: number
  readonly failed: number
}

export interface CollectorTools {
  readonly ports: Ports
  readonly identity: Identity
  readonly classes: Pick<ClassKeeper, 'groupChanged'>
  readonly references: Pick<VolumeReferences, 'fresh'>
  readonly tell: OrphanEvents
  /** Those of the claim controller: a claim that comes back gets the very volume that would be removed. */
  readonly turns: Turns
  readonly config: Pick<Config, 'orphanGraceMs' | 'orphanCollection'>
  /** Milliseconds of a clock that does not jump. */
  readonly now?: () => number
}

/** Not so when it surely names another volume: the claim moved, and its new node answered it. */
const mayName = (answer: PersistentVolume, { volumeUuid }: VolumeHandle): boolean => {
  const { handle } = viewPersistentVolume(answer)
  return handle === undefined || handle.volumeUuid === volumeUuid
}

/**
 * Removes volumes that a crash left behind: made for a claim, never given to anybody. Only state `new` is ever
 * collected, only our cluster's, only when quorum reads show neither a PersistentVolume that names it, or has its name and
 * no other volume's handle, nor a claim of that UID which still selects this node, and only after it has been so for the whole grace, by a clock that
 * does not jump. When it may only report, and when there are too many, a person is asked.
 */
export class Collector {
  readonly #tools: CollectorTools
  readonly #now: () => number
  /** When each orphan was first seen as one, in milliseconds of the monotonic clock. */
  readonly #firstSeen = new Map<string, number>()
  /** Volumes that a person is asked about, with their groups. */
  #held: ReadonlyMap<string, { readonly groupUuid: string; readonly why: string }> = new Map()
  #collected = 0
  #failed = 0

  constructor(tools: CollectorTools) {
    this.#tools = tools
    this.#now = tools.now ?? (() => performance.now())
  }

  /** The volumes that a person is asked about: by UUID, why they are not collected. */
  get held(): ReadonlyMap<string, string> {
    return new Map([...this.#held].map(([uuid, { why }]) => [uuid, why]))
  }

  get counts(): CollectorCounts {
    return {
      ...{ found: this.#firstSeen.size, held: this.#held.size },
      ...{ collected: this.#collected, failed: this.#failed },
    }
  }

  /** Looks once, and says when the next orphan is due. Errors are thrown: the next look starts afresh. */
  async collect(): Promise<{ requeueAfterMs: number } | undefined> {
    const orphans = await this.#orphans()
    this.#forgetAllBut(orphans)
    const { orphanGraceMs } = this.#tools.config
    const due = orphans.filter((orphan) => this.#ageOf(orphan) >= orphanGraceMs)
    const why = this.#whyNot(orphans.length)
    this.#hold(why === undefined ? [] : due, why ?? '')
    if (why === undefined) await this.#removeAll(due)
    const left = orphans.filter((orphan) => !due.includes(orphan)).map((orphan) => this.#ageOf(orphan))
    return left.length === 0 ? undefined : { requeueAfterMs: orphanGraceMs - Math.max(...left) }
  }

  /** Those whose grace is not over count, too: what comes of one loss is not seen in one moment. */
  #whyNot(count: number): string | undefined {
    if (count > MAX_AT_ONCE)
      return (
        `none is removed, because ${count} at once are more than ${MAX_AT_ONCE}, which looks like a control plane that ` +
        'was restored from an older copy'
      )
    return this.#tools.config.orphanCollection === 'report'
      ? 'none is removed, because LOAM_ORPHAN_COLLECTION of the agent is "report"'
      : undefined
  }

  /** What a person is asked about is told, and shown in the reports of its groups. */
  #hold(orphans: readonly Orphan[], why: string): void {
    const { classes, tell, ports } = this.#tools
    const before = this.#held
    const volumes = orphans.map(({ volume }) => volume)
    this.#held = new Map(
      volumes.map(({ handle }) => [handle.volumeUuid, { groupUuid: handle.groupUuid, why }]),
    )
    const groups = new Set([...before.values(), ...this.#held.values()].map(({ groupUuid }) => groupUuid))
    for (const groupUuid of groups) classes.groupChanged(groupUuid)
    if (volumes.length === 0) return
    tell.held(volumes, why)
    const names = volumes.map(({ groupName, name }) => `${groupName}/${name}`)
    ports.log.error('volumes without owner are not collected', { volumes: names, why })
  }

  async #orphans(): Promise<Orphan[]> {
    const { identity, ports, references } = this.#tools
    const { volumes } = await ports.volumes.inventory()
    const orphans: Orphan[] = []
    for (const volume of volumes) {
      const { record } = volume
      if (record?.state !== 'new' || record.clusterId !== identity.clusterId || volume.open) continue
      // its caller may be no Kubernetes at all, and has been told that it is there
      if (record.madeBy === 'csi') continue
      if (!(await this.#isWanted(volume))) orphans.push({ volume, claimUid: record.claimUid })
    }
    if (orphans.length === 0) return []
    // under any name, and without the label by which this node watches
    const named = await references.fresh()
    return orphans.filter(({ volume: { handle } }) => !named.has(handle.volumeUuid))
  }

  async #isWanted(volume: LogicalVolume): Promise<boolean> {
    const { record, name, handle } = volume
    if (record === undefined) return true
    const { client } = this.#tools.ports
    const answer = await client.get<PersistentVolume>(PERSISTENT_VOLUMES, { name })
    if (answer !== undefined && mayName(answer, handle)) return true
    const claimName = { namespace: record.claimNamespace, name: record.claimName }
    const object = await client.get<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, claimName)
    const claim = object === undefined ? undefined : viewClaim(object)
    return (
      claim?.uid === record.claimUid &&
      claim.selectedNode === this.#tools.identity.nodeName &&
      !claim.isBeingDeleted
    )
  }

  #ageOf({ volume }: Orphan): number {
    const seen = this.#firstSeen.get(volume.handle.volumeUuid) ?? this.#now()
    this.#firstSeen.set(volume.handle.volumeUuid, seen)
    return this.#now() - seen
  }

  #forgetAllBut(orphans: readonly Orphan[]): void {
    const current = new Set(orphans.map(({ volume }) => volume.handle.volumeUuid))
    for (const uuid of this.#firstSeen.keys()) if (!current.has(uuid)) this.#firstSeen.delete(uuid)
  }

  /** One that cannot be removed keeps no other. @throws what the first that failed threw. */
  async #removeAll(orphans: readonly Orphan[]): Promise<void> {
    const errors: unknown[] = []
    for (const orphan of orphans) {
      try {
        await this.#tools.turns.run(orphan.claimUid, () => this.#removeUnlessWanted(orphan))
      } catch (error) {
        this.#failed += 1
        this.#tools.tell.failed(orphan.volume, messageOf(error))
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }

  /** Read again in the turn of its claim, which may have come back while others were removed. */
  async #removeUnlessWanted(orphan: Orphan): Promise<void> {
    const { volume } = orphan
    if (await this.#isWanted(volume)) return
    if ((await this.#tools.references.fresh()).has(volume.handle.volumeUuid)) return
    await this.#remove(orphan)
  }

  async #remove({ volume, claimUid }: Orphan): Promise<void> {
    const { ports, tell, classes } = this.#tools
    const { name, groupName, handle, record } = volume
    const expected = { name, claimUid, erase: record?.erase ?? 'zero', neverUsed: true }
    await ports.volumes.removeVolume(handle, expected)
    this.#firstSeen.delete(handle.volumeUuid)
    this.#collected += 1
    ports.log.info('volume without owner collected', { volume: `${groupName}/${name}` })
    tell.collected(volume)
    classes.groupChanged(handle.groupUuid)
  }
}
