import { PERSISTENT_VOLUMES, PERSISTENT_VOLUME_CLAIMS } from '../kube/resources.ts'
import type { LogicalVolume } from '../lvm/types.ts'
import { viewClaim, type PersistentVolumeClaim } from './claim-view.ts'
import type { ClassKeeper } from './class-keeper.ts'
import type { Identity, Ports } from './ports.ts'

/** More than these at once look like a lost etcd, not like crashes: a person decides. */
const MAX_AT_ONCE = 5

interface Orphan {
  readonly volume: LogicalVolume
  readonly claimUid: string
}

/**
 * Removes volumes that a crash left behind: made for a claim, never given to anybody. Only state `new` is ever
 * collected, only our cluster's, only when quorum reads show neither a PersistentVolume of that name nor a claim of
 * that UID which still selects this node, and only after it has been so for the whole grace, by a clock that does
 * not jump.
 */
export class Collector {
  readonly #ports: Ports
  readonly #identity: Identity
  readonly #classes: ClassKeeper
  readonly #graceMs: number
  readonly #now: () => number
  /** When each orphan was first seen as one, in milliseconds of the monotonic clock. */
  readonly #firstSeen = new Map<string, number>()
  /** Volumes that a person is asked about, with their groups. */
  #held: ReadonlyMap<string, string> = new Map()

  constructor(
    ports: Ports,
    identity: Identity,
    classes: ClassKeeper,
    graceMs: number,
    now: () => number = () => performance.now(),
  ) {
    this.#ports = ports
    this.#identity = identity
    this.#classes = classes
    this.#graceMs = graceMs
    this.#now = now
  }

  /** UUIDs of the volumes that a person is asked about, because they are too many at once. */
  get held(): ReadonlySet<string> {
    return new Set(this.#held.keys())
  }

  /** Looks once, and says when the next orphan is due. Errors are thrown: the next look starts afresh. */
  async collect(): Promise<{ requeueAfterMs: number } | undefined> {
    const orphans = await this.#orphans()
    this.#forgetAllBut(orphans)
    const due = orphans.filter((orphan) => this.#ageOf(orphan) >= this.#graceMs)
    this.#hold(due.length > MAX_AT_ONCE ? due : [])
    if (due.length > MAX_AT_ONCE) {
      this.#ports.log.error('too many volumes without owner: none is collected', {
        count: due.length,
        limit: MAX_AT_ONCE,
        volumes: due.map(({ volume }) => `${volume.groupName}/${volume.name}`),
      })
      return undefined
    }
    for (const orphan of due) await this.#remove(orphan)
    const left = orphans.filter((orphan) => !due.includes(orphan)).map((orphan) => this.#ageOf(orphan))
    return left.length === 0 ? undefined : { requeueAfterMs: this.#graceMs - Math.max(...left) }
  }

  /** What a person is asked about is shown in the reports of its groups. */
  #hold(orphans: readonly Orphan[]): void {
    const before = this.#held
    this.#held = new Map(orphans.map(({ volume: { handle } }) => [handle.volumeUuid, handle.groupUuid]))
    const groups = new Set([...before.values(), ...this.#held.values()])
    for (const groupUuid of groups) this.#classes.groupChanged(groupUuid)
  }

  async #orphans(): Promise<Orphan[]> {
    const { volumes } = await this.#ports.volumes.inventory()
    const orphans: Orphan[] = []
    for (const volume of volumes) {
      const { record } = volume
      if (record?.state !== 'new' || record.clusterId !== this.#identity.clusterId || volume.open) continue
      if (!(await this.#isWanted(volume))) orphans.push({ volume, claimUid: record.claimUid })
    }
    return orphans
  }

  async #isWanted(volume: LogicalVolume): Promise<boolean> {
    const { record, name } = volume
    if (record === undefined) return true
    const { client } = this.#ports
    if ((await client.get(PERSISTENT_VOLUMES, { name })) !== undefined) return true
    const claimName = { namespace: record.claimNamespace, name: record.claimName }
    const object = await client.get<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, claimName)
    const claim = object === undefined ? undefined : viewClaim(object)
    return (
      claim?.uid === record.claimUid &&
      claim.selectedNode === this.#identity.nodeName &&
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

  async #remove({ volume, claimUid }: Orphan): Promise<void> {
    const erase = volume.record?.erase ?? 'zero'
    await this.#ports.volumes.removeVolume(volume.handle, { name: volume.name, claimUid, erase })
    this.#ports.log.info('volume without owner collected', { volume: `${volume.groupName}/${volume.name}` })
    this.#classes.groupChanged(volume.handle.groupUuid)
  }
}
