import { messageOf } from '../core/errors.ts'
import { atStep } from '../core/failpoints.ts'
import { volumeNameForClaim } from '../core/naming.ts'
import { AlreadyExists, Conflict } from '../kube/errors.ts'
import { PERSISTENT_VOLUMES } from '../kube/resources.ts'
import type { ObjectKey } from '../kube/types.ts'
import { Frozen, NoSpace } from '../lvm/errors.ts'
import type { LogicalVolume } from '../lvm/types.ts'
import { decideClaim, type ClaimDecision } from './claim-decision.ts'
import type { ClaimTools } from './claim-tools.ts'
import type { ClaimView } from './claim-view.ts'
import { claimEvent, claimFields, clearSelectedNode, readClaim, stillWants } from './claim-writes.ts'
import { LeaseNotHeld, type LeaseGate } from './lease.ts'
import { persistentVolumeFor, viewPersistentVolume, type PersistentVolume } from './persistent-volume.ts'

type CreateDecision = Extract<ClaimDecision, { kind: 'create' }>

/** When a claim that no node can serve is looked at again: upstream's slow retry. */
const SLOW_RETRY_MS = 5 * 60_000

/**
 * Gives each claim that selects this node its logical volume and its PersistentVolume, or gives the claim back to
 * the scheduler. Level-based: it acts on what is, never on what an event said; LVM and the API are its only memory.
 *
 * Order of a success: logical volume made, read back and flushed → claim read again by quorum → own Lease still held →
 * PersistentVolume.
 * Order of a failure: nothing of the claim left here → capacity published → selected node removed → event.
 */
export class ClaimController {
  readonly #tools: ClaimTools & { readonly lease: LeaseGate }

  constructor(tools: ClaimTools & { readonly lease: LeaseGate }) {
    this.#tools = tools
  }

  /** @throws whatever should be tried again with backoff. */
  async reconcile(key: ObjectKey): Promise<{ requeueAfterMs?: number } | undefined> {
    const claim = this.#tools.claims.get(key)
    if (claim?.selectedNode !== this.#tools.identity.nodeName) return undefined
    const decision = await this.#decide(claim)
    switch (decision.kind) {
      case 'ignore':
        this.#tools.ports.log.debug('claim ignored', { ...claimFields(claim), why: decision.why })
        return undefined
      case 'refuse':
        this.#warn(claim, decision.reason, 'Provision', decision.message)
        return { requeueAfterMs: SLOW_RETRY_MS }
      case 'reschedule':
        await this.#giveBack(claim, decision.reason, decision.message)
        return undefined
      case 'create':
        await this.#provision(claim, decision)
        return undefined
    }
  }

  async #decide(claim: ClaimView): Promise<ClaimDecision> {
    const onNode = await this.#tools.classes.stateOf(claim.storageClassName)
    return decideClaim({
      claim,
      nodeName: this.#tools.identity.nodeName,
      clusterId: this.#tools.identity.clusterId,
      storageClass: onNode?.storageClass ?? this.#tools.classes.find(claim.storageClassName),
      group: onNode?.group,
      groupProblem: onNode?.problem,
    })
  }

  async #provision(claim: ClaimView, decision: CreateDecision): Promise<void> {
    const volume = await this.#createVolume(claim, decision)
    if (volume === undefined) return
    this.#tools.classes.groupChanged(volume.handle.groupUuid)
    const now = await readClaim(this.#tools.ports.client, claim)
    if (!stillWants(now, this.#tools.identity.nodeName)) {
      await this.#takeBack(claim, volume, 'the claim went away or elsewhere while its volume was made')
      return
    }
    await this.#createPersistentVolume(now, decision, volume)
  }

  /** The volume, or undefined when this node cannot have it and the claim was given back. */
  async #createVolume(claim: ClaimView, decision: CreateDecision): Promise<LogicalVolume | undefined> {
    try {
      return await this.#tools.ports.volumes.createVolume(decision.request)
    } catch (error) {
      if (error instanceof NoSpace || error instanceof Frozen) {
        await this.#giveBack(claim, error.reason, `node ${this.#tools.identity.nodeName}: ${error.message}`)
        return undefined
      }
      this.#warn(claim, 'ProvisioningFailed', 'Provision', messageOf(error))
      throw error
    }
  }

  async #createPersistentVolume(
    claim: ClaimView,
    decision: CreateDecision,
    volume: LogicalVolume,
  ): Promise<void> {
    const { nodeName } = this.#tools.identity
    if (!this.#tools.lease.isHeld())
      throw new LeaseNotHeld(`agent of node "${nodeName}"`, 'does not hold its Lease at the moment')
    const wanted = persistentVolumeFor({ claim, volume, nodeName, ...decision })
    try {
      await atStep('create-persistent-volume', () =>
        this.#tools.ports.client.create(PERSISTENT_VOLUMES, wanted),
      )
    } catch (error) {
      if (!(error instanceof AlreadyExists)) {
        this.#warn(claim, 'ProvisioningFailed', 'Provision', messageOf(error))
        throw error
      }
      if (!(await this.#isOurs(volume))) {
        await this.#takeBack(claim, volume, 'another node has answered the claim')
        return
      }
    }
    this.#tools.ports.log.info('volume provisioned', { ...claimFields(claim), sizeBytes: volume.sizeBytes })
  }

  /** Whether the PersistentVolume of that name is the one for this logical volume: its name is the arbiter. */
  async #isOurs(volume: LogicalVolume): Promise<boolean> {
    const object = await this.#tools.ports.client.get<PersistentVolume>(PERSISTENT_VOLUMES, {
      name: volume.name,
    })
    if (object === undefined)
      throw new Conflict(`PersistentVolume "${volume.name}"`, 'was there and is gone: decide again')
    const { handle } = viewPersistentVolume(object)
    return handle?.volumeUuid === volume.handle.volumeUuid && handle.groupUuid === volume.handle.groupUuid
  }

  /**
   * Removes a volume that was made for a claim, when no PersistentVolume refers to it and it is new.
   * Gives whether nothing of it is left.
   */
  async #takeBack(claim: ClaimView, volume: LogicalVolume, why: string): Promise<boolean> {
    const { client, volumes, log } = this.#tools.ports
    const object = await client.get<PersistentVolume>(PERSISTENT_VOLUMES, { name: volume.name })
    if (object !== undefined && (await this.#isOurs(volume))) return false
    if (volume.record?.state !== 'new') {
      log.warn('volume kept: it is not new', { ...claimFields(claim), state: volume.record?.state, why })
      return false
    }
    log.info('volume taken back', { ...claimFields(claim), why })
    const expected = { name: volume.name, claimUid: claim.uid, erase: volume.record.erase }
    await volumes.removeVolume(volume.handle, expected)
    this.#tools.classes.groupChanged(volume.handle.groupUuid)
    return true
  }

  /** Hands the claim back to the scheduler, once nothing of it is left here and the scheduler can know the truth. */
  async #giveBack(claim: ClaimView, reason: string, message: string): Promise<void> {
    const { client, volumes, log } = this.#tools.ports
    const now = await readClaim(client, claim)
    if (!stillWants(now, this.#tools.identity.nodeName)) return
    const name = volumeNameForClaim(claim.uid)
    if ((await client.get(PERSISTENT_VOLUMES, { name })) !== undefined) return
    const left = (await volumes.inventory()).volumes.find(
      (volume) => volume.name === volumeNameForClaim(claim.uid),
    )
    if (left !== undefined && !(await this.#takeBack(claim, left, message))) {
      const where = `logical volume "${left.groupName}/${left.name}"`
      this.#warn(
        claim,
        'VolumeLeftBehind',
        'KeepSelectedNode',
        `${message}; its ${where} is here and is kept, so the claim stays with this node`,
      )
      return
    }
    await this.#tools.classes.publish(claim.storageClassName)
    await clearSelectedNode(client, now)
    log.info('claim given back to the scheduler', { ...claimFields(claim), reason, detail: message })
    this.#warn(claim, reason, 'Reschedule', `${message}; asked the scheduler for another node`)
  }

  #warn(claim: ClaimView, reason: string, action: string, message: string): void {
    this.#tools.ports.log.warn('claim not served', { ...claimFields(claim), reason, detail: message })
    this.#tools.ports.events.record(claimEvent(claim, { type: 'Warning', reason, action, message }))
  }
}
