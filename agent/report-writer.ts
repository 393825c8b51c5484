import { nodeLocalStorageName } from '../core/naming.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import { Conflict, NotFound } from '../kube/errors.ts'
import { NODE_LOCAL_STORAGES } from '../kube/resources.ts'
import { TokenBuckets } from '../kube/token-buckets.ts'
import type { ObjectStore } from '../kube/types.ts'
import { capacityOf, type Findings } from './class-on-node.ts'
import { statusFor } from './node-local-storage.ts'
import type { OwnNodeGate } from './own-node-check.ts'
import { FIELD_MANAGER, type Identity, type Ports } from './ports.ts'
import { isOnlyFuller, saysTheSame } from './report-content.ts'
import { eventsOf } from './report-events.ts'
import { roomOf } from './report-room.ts'
import { unclaimedVolumes } from './unclaimed-volumes.ts'

/**
 * A write every two seconds for the whole agent, however long it goes on. What happens meanwhile goes with the next: removing a
 * hundred volumes takes most of a minute, and each change of the numbers wakes every pod that waits for room.
 */
const NEWS = { burst: 4, refillMs: 2000, maxKeys: 1 }
/**
 * The same while volumes come and nothing else happens. The scheduler process takes off what a claim takes for ten seconds
 * without a report that counts it, so this has to be well below.
 */
const FULLER = { burst: 2, refillMs: 4000, maxKeys: 1 }
const MAX_TRIES = 3

/** Which logical volumes need no decision of a person. */
export interface VolumeOwners {
  /** UUIDs of the volumes for which there is a PersistentVolume. */
  claimed(): ReadonlySet<string>
  /** New volumes that nobody asks for and that are not collected without a person: by UUID, why not. */
  held(): ReadonlyMap<string, string>
}

/**
 * Writes the status of NodeLocalStorage objects, and tells people of what changed. It compares with the stored status
 * and has no other memory: after a restart of the agent the same findings are no news.
 */
export class ReportWriter {
  readonly #ports: Ports
  readonly #identity: Identity
  readonly #stored: ObjectStore<NodeLocalStorage>
  readonly #owners: VolumeOwners
  readonly #ownNode: Pick<OwnNodeGate, 'problem' | 'tried'>
  readonly #news = new TokenBuckets(NEWS)
  readonly #fuller = new TokenBuckets(FULLER)
  /** What a write gave back, until the store has it: which version it was based on, and the object since. */
  readonly #written = new Map<
    string,
    { readonly over: string | undefined; readonly object: NodeLocalStorage }
  >()

  constructor(
    ports: Ports,
    identity: Identity,
    stored: ObjectStore<NodeLocalStorage>,
    owners: VolumeOwners,
    ownNode: Pick<OwnNodeGate, 'problem' | 'tried'>,
  ) {
    this.#ports = ports
    this.#identity = identity
    this.#stored = stored
    this.#owners = owners
    this.#ownNode = ownNode
  }

  /**
   * Writes what differs from the stored status. Gives the time to wait when too much was written just now; `isNews`: also what
   * looks like no news is waited for.
   */
  async write(findings: Findings, isNews = false): Promise<{ againAfterMs: number } | undefined> {
    const name = nodeLocalStorageName(findings.state.name, this.#identity.nodeName)
    // the first report says what came of it, or each start of an agent would cost a second one
    await this.#ownNode.tried()
    let existing = this.#newest(name) ?? (await this.#read(name))
    for (let tries = 1; ; tries += 1) {
      const report = this.#statusOf(existing, findings)
      if (saysTheSame(existing, report)) return undefined
      const [limit, { refillMs }] =
        !isNews && isOnlyFuller(existing, report) ? [this.#fuller, FULLER] : [this.#news, NEWS]
      if (!limit.take('status')) return { againAfterMs: refillMs }
      try {
        await this.#apply(existing, report)
        this.#tell(existing, report)
        return undefined
      } catch (error) {
        if (!(error instanceof Conflict) || tries === MAX_TRIES) throw error
        existing = await this.#read(name)
      }
    }
  }

  #statusOf(existing: NodeLocalStorage, findings: Findings): NodeLocalStorage {
    const { state, inventory } = findings
    const ours = inventory.volumes.filter(({ handle }) => handle.groupUuid === state.group?.uuid)
    const known = { claimed: this.#owners.claimed(), held: this.#owners.held() }
    return statusFor({
      existing,
      state,
      capacity: capacityOf(state, inventory),
      room: roomOf(findings),
      volumes: inventory.volumes,
      poolUse: inventory.poolUse ?? [],
      unclaimed: unclaimedVolumes(ours, known, this.#identity),
      ownNodeProblem: this.#ownNode.problem(),
      now: new Date(),
    })
  }

  /** Our own write, while the store still has what it was based on; else what the store has. */
  #newest(name: string): NodeLocalStorage | undefined {
    const stored = this.#stored.get(name)
    const written = this.#written.get(name)
    if (written !== undefined && written.over === stored?.metadata.resourceVersion) return written.object
    this.#written.delete(name)
    return stored
  }

  async #read(name: string): Promise<NodeLocalStorage> {
    const object = await this.#ports.client.get<NodeLocalStorage>(NODE_LOCAL_STORAGES, { name })
    if (object !== undefined) return object
    throw new NotFound(`NodeLocalStorage "${name}"`, 'was deleted; it will be made again')
  }

  /** Under the version that was read: a status must not answer to a spec that it has not seen. */
  async #apply(
    existing: NodeLocalStorage,
    { apiVersion, kind, metadata, status }: NodeLocalStorage,
  ): Promise<void> {
    const name = metadata.name ?? ''
    const { resourceVersion = '' } = existing.metadata
    const body = { apiVersion, kind, metadata: { ...metadata, resourceVersion }, status }
    const object = await this.#ports.client.patch<NodeLocalStorage>(NODE_LOCAL_STORAGES, { name }, body, {
      type: 'apply',
      subresource: 'status',
      fieldManager: FIELD_MANAGER,
    })
    this.#written.set(name, { over: this.#stored.get(name)?.metadata.resourceVersion, object })
  }

  #tell(existing: NodeLocalStorage, report: NodeLocalStorage): void {
    const { apiVersion = '', kind = '' } = report
    const { name = '', uid = '' } = existing.metadata
    for (const event of eventsOf(existing.status, report.status ?? {})) {
      const { reason, message } = event
      this.#ports.log[event.type === 'Warning' ? 'warn' : 'info']('report changed', {
        report: name,
        reason,
        detail: message,
      })
      this.#ports.events.record({ ...event, regarding: { apiVersion, kind, name, uid } })
    }
  }
}
