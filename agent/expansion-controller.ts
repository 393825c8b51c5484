import { LoamError, messageOf } from '../core/errors.ts'
import type { VolumeHandle } from '../core/naming.ts'
import { describeBytes } from '../core/quantity.ts'
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '../kube/resources.ts'
import type { ObjectKey, ObjectStore } from '../kube/types.ts'
import { NoSpace, NotFound, Refused } from '../lvm/errors.ts'
import type { LogicalVolume } from '../lvm/types.ts'
import type { ClaimTools } from './claim-tools.ts'
import type { PersistentVolumeClaim } from '../kube/claim-view.ts'
import { viewExpandingClaim, type ExpandingClaim } from './expanding-claim.ts'
import { decideExpansion, type ExpansionDecision } from './expansion-decision.ts'
import {
  forgetOldSize,
  tellBegun,
  tellDone,
  tellInfeasible,
  tellNodePending,
  tellVolumeSize,
} from './expansion-writes.ts'
import {
  viewPersistentVolume,
  type PersistentVolume,
  type PersistentVolumeView,
} from './persistent-volume.ts'

/** When the same size is tried again that was refused: upstream's slow retry. */
const SLOW_RETRY_MS = 5 * 60_000

/** What a class without a ratio has, and a volume without a class. */
const NO_OVERPROVISION_PERMILLE = 1000n

type Expand = Extract<ExpansionDecision, { kind: 'expand' }>
type Requeue = { requeueAfterMs: number } | undefined

/** A claim and its volume, each read just now. */
interface Pair {
  readonly claim: ExpandingClaim
  readonly volume: PersistentVolumeView & { readonly handle: VolumeHandle }
}

/**
 * Makes the volumes of this node larger whose claims ask for it. Level-based, as ClaimController: a crash at any point leaves
 * what the next look goes on from.
 *
 * Order: the claim's status says what is begun → logical volume larger, read back and flushed → PersistentVolume says its size
 * → the claim's status leaves the file system to kubelet, or ends there for a block volume.
 */
export class ExpansionController {
  readonly #tools: ClaimTools
  readonly #volumes: ObjectStore<PersistentVolumeView>
  /** Sizes that were refused a while ago, by PersistentVolume. */
  readonly #refused = new Map<string, { readonly sizeBytes: bigint; readonly untilMs: number }>()

  constructor(tools: ClaimTools, volumes: ObjectStore<PersistentVolumeView>) {
    this.#tools = tools
    this.#volumes = volumes
  }

  /** Whether what the watches said about a PersistentVolume of this node is worth a look. */
  concerns(name: ObjectKey): boolean {
    const volume = this.#volumes.get(name)
    if (volume?.handle === undefined || volume.claim === undefined) return false
    const { namespace, name: claimName } = volume.claim
    const claim = this.#tools.claims.get(`${namespace}/${claimName}`)
    return claim?.wantsMore === true || volume.preResizeCapacity !== undefined
  }

  /** `name` is that of the PersistentVolume. @throws whatever should be tried again with backoff. */
  async reconcile(name: ObjectKey): Promise<Requeue> {
    if (!this.concerns(name)) {
      this.#refused.delete(name)
      return undefined
    }
    const { volume, claim } = await this.#read(name)
    if (volume === undefined) return undefined
    const decision = decideExpansion({ claim, volume, wasRefused: this.#refused.has(name) })
    switch (decision.kind) {
      case 'ignore':
        this.#tools.ports.log.debug('volume not expanded', { volume: name, why: decision.why })
        return undefined
      case 'forgetOldSize':
        await forgetOldSize(this.#tools.ports.client, volume)
        return undefined
      case 'expand':
        if (claim === undefined || volume.handle === undefined) return undefined
        return await this.#expand({ claim, volume: { ...volume, handle: volume.handle } }, decision)
    }
  }

  async #read(name: string): Promise<{ volume?: PersistentVolumeView; claim?: ExpandingClaim }> {
    const { client } = this.#tools.ports
    const object = await client.get<PersistentVolume>(PERSISTENT_VOLUMES, { name })
    if (object === undefined) return {}
    const volume = viewPersistentVolume(object)
    if (volume.claim === undefined) return { volume }
    const found = await client.get<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS, volume.claim)
    return found === undefined ? { volume } : { volume, claim: viewExpandingClaim(found) }
  }

  async #expand({ claim, volume }: Pair, { sizeBytes, isBegun }: Expand): Promise<Requeue> {
    const { name } = volume
    const waitMs = this.#waitMs(name, sizeBytes)
    if (waitMs > 0) return { requeueAfterMs: waitMs }
    const { client } = this.#tools.ports
    const begun = isBegun ? claim : await tellBegun(client, claim, sizeBytes)
    const result = await this.#extend({ claim: begun, volume }, sizeBytes)
    if (result instanceof LoamError) {
      this.#slowDown(name, sizeBytes)
      await tellInfeasible(client, begun, result.message)
      return { requeueAfterMs: SLOW_RETRY_MS }
    }
    // kubelet refused this size before: it is asked again, and not more often than that
    if (claim.resizeStatus === 'NodeResizeInfeasible') this.#slowDown(name, sizeBytes)
    else this.#refused.delete(name)
    this.#tools.classes.groupChanged(volume.handle.groupUuid)
    await this.#tellSize({ claim: begun, volume }, result)
    return undefined
  }

  #waitMs(name: string, sizeBytes: bigint): number {
    const refused = this.#refused.get(name)
    return refused?.sizeBytes === sizeBytes ? refused.untilMs - Date.now() : 0
  }

  #slowDown(name: string, sizeBytes: bigint): void {
    this.#refused.set(name, { sizeBytes, untilMs: Date.now() + SLOW_RETRY_MS })
  }

  /** The larger volume; or the error with which it was refused for good, as it is now. */
  async #extend({ claim, volume }: Pair, sizeBytes: bigint): Promise<LogicalVolume | LoamError> {
    const overprovisionPermille = this.#permilleOf(claim)
    try {
      return await this.#tools.ports.volumes.extendVolume({
        ...{ handle: volume.handle, sizeBytes, overprovisionPermille },
      })
    } catch (error) {
      this.#warn(claim, messageOf(error))
      if (error instanceof NoSpace || error instanceof Refused || error instanceof NotFound) return error
      throw error
    }
  }

  #permilleOf({ storageClassName }: ExpandingClaim): bigint {
    const settings = this.#tools.classes.find(storageClassName)?.settings
    if (settings === undefined || 'error' in settings) return NO_OVERPROVISION_PERMILLE
    const { layout } = settings.parameters
    return layout.name === 'thin' ? layout.overprovisionPermille : NO_OVERPROVISION_PERMILLE
  }

  async #tellSize({ claim, volume }: Pair, { sizeBytes }: LogicalVolume): Promise<void> {
    const { client, log } = this.#tools.ports
    const { name } = volume
    await tellVolumeSize(client, volume, sizeBytes, claim.isBlock ? undefined : claim.capacity)
    if (claim.isBlock) {
      await tellDone(client, claim, sizeBytes)
      this.#record(claim, 'Normal', 'VolumeResizeSuccessful', `resized to ${describeBytes(sizeBytes)}`)
    } else await tellNodePending(client, claim)
    log.info('volume expanded', { volume: name, sizeBytes })
  }

  #warn(claim: ExpandingClaim, message: string): void {
    this.#tools.ports.log.warn('volume not expanded', { volume: claim.volumeName, detail: message })
    this.#record(claim, 'Warning', 'VolumeResizeFailed', message)
  }

  #record(claim: ExpandingClaim, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { namespace, name, uid } = claim
    this.#tools.ports.events.record({
      ...{ type, reason, action: 'Expand', message },
      regarding: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid },
    })
  }
}
