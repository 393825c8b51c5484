import { atStep } from '../core/failpoints.ts'
import type { Logger } from '../core/logger.ts'
import { NODE_LABEL, VOLUME_FINALIZER } from '../core/naming.ts'
import { Conflict, NotFound } from '../kube/errors.ts'
import type { LeaseGate } from '../kube/lease.ts'
import { PERSISTENT_VOLUMES } from '../kube/resources.ts'
import type { EventRecorder, KubeClient, ObjectKey, ObjectStore } from '../kube/types.ts'
import type { ReconcileResult } from '../kube/work-queue.ts'
import { STANDBY_MS } from './standby.ts'
import type { UnmarkedVolume, VolumeView } from './volume-view.ts'

interface Tools {
  readonly client: KubeClient
  readonly events: EventRecorder
  readonly log: Logger
  readonly lease: LeaseGate
  readonly stores: { readonly volumes: ObjectStore<VolumeView> }
}

/** Events are kept for an hour: what stays wrong is told again. */
const TELL_AGAIN_MS = 30 * 60_000

/**
 * Gives each PersistentVolume of our driver what the agent gives those that it makes: the label by which the agent of its
 * node watches it, and the finalizer that holds it until its logical volume is gone. Those that people and backup tools
 * make have neither; without them they would be bound and mounted, and neither expanded nor deleted.
 *
 * Nothing is changed in one whose node is not certain. One that is being deleted stays as it is: nobody can hold it any
 * more, and its logical volume is kept.
 */
export class VolumeMarks {
  readonly #tools: Tools

  constructor(tools: Tools) {
    this.#tools = tools
  }

  /** `name` is that of the PersistentVolume. @throws whatever should be tried again with backoff. */
  async reconcile(name: ObjectKey): Promise<ReconcileResult | undefined> {
    const { stores, lease } = this.#tools
    const volume = stores.volumes.get(name)?.unmarked
    if (volume === undefined) return undefined
    if (!lease.isHeld()) return { requeueAfterMs: STANDBY_MS }
    if ('unclear' in volume.place) {
      this.#warn(volume, volume.place.unclear)
      return { requeueAfterMs: TELL_AGAIN_MS }
    }
    await this.#mark(volume, volume.place.nodeName)
    return undefined
  }

  async #mark({ name, uid, resourceVersion, finalizers }: UnmarkedVolume, nodeName: string): Promise<void> {
    const { client, log } = this.#tools
    const metadata = {
      ...{ uid, resourceVersion, labels: { [NODE_LABEL]: nodeName } },
      finalizers: [...new Set([...finalizers, VOLUME_FINALIZER])],
    }
    try {
      await atStep('mark-volume', () =>
        client.patch(PERSISTENT_VOLUMES, { name }, { metadata }, { type: 'merge' }),
      )
    } catch (error) {
      // it has changed or gone: the watch shows how in a moment
      if (error instanceof NotFound || error instanceof Conflict) return
      throw error
    }
    log.info('persistent volume marked', { volume: name, node: nodeName })
  }

  #warn({ name, uid }: UnmarkedVolume, unclear: string): void {
    this.#tools.log.warn('persistent volume not marked', { volume: name, detail: unclear })
    this.#tools.events.record({
      ...{ type: 'Warning', reason: 'VolumeNotManaged', action: 'MarkVolume' },
      message:
        `Loam neither expands nor removes its logical volume: ${unclear}; to mend it, set this PersistentVolume to ` +
        'Retain, delete it, and create it again',
      regarding: { apiVersion: 'v1', kind: 'PersistentVolume', name, uid },
    })
  }
}
