import { nodeLocalStorageName } from '../core/naming.ts'
import { CSI_STORAGE_CAPACITIES } from '../kube/resources.ts'
import type { KubeObject } from '../kube/types.ts'
import { capacityOf, type Capacity, type Findings } from './class-on-node.ts'
import { FIELD_MANAGER, type Identity, type Ports } from './ports.ts'
import type { ReportWriter } from './report-writer.ts'
import { storageCapacityFor } from './storage-capacity.ts'
import { Turns } from './turns.ts'

/**
 * `soon`: new room waits for a report that has to wait. `now`: nothing waits. `always`: the same, and the capacity is written
 * also when it was told before, because somebody may have removed it.
 */
export type WhenToTell = 'soon' | 'now' | 'always'

/** Tells the scheduler (CSIStorageCapacity) and people (NodeLocalStorage status, events) what a class has here. */
export class ClassReporter {
  readonly #ports: Ports
  readonly #identity: Identity
  readonly #reports: ReportWriter
  readonly #onLater: (storageClassName: string, afterMs: number) => void
  /** Capacity that the API server was last told, by class. */
  readonly #told = new Map<string, { readonly text: string; readonly capacity: Capacity }>()
  /**
   * One report of a class at a time, and each reads its numbers in its turn: an older one never overwrites a newer
   * one. Classes do not wait for each other: the disks of one may not answer.
   */
  readonly #turns = new Turns()

  /** `onLater` is called when the report of a class has to wait, because too many were written just now. */
  constructor(
    ports: Ports,
    identity: Identity,
    reports: ReportWriter,
    onLater: (storageClassName: string, afterMs: number) => void,
  ) {
    this.#ports = ports
    this.#identity = identity
    this.#reports = reports
    this.#onLater = onLater
  }

  /** Returns when the scheduler is told the findings, and people, too, or soon; `soon`: the scheduler may be told later as well. */
  async tell(
    storageClassName: string,
    when: WhenToTell,
    find: () => Promise<Findings | undefined>,
  ): Promise<void> {
    await this.#turns.run(storageClassName, async () => {
      const findings = await find()
      if (findings === undefined) return
      const capacity = capacityOf(findings.state, findings.inventory)
      if (this.#hasMore(findings, capacity)) await this.#tellOfMore(findings, capacity, when)
      else {
        await this.#tellScheduler(findings, capacity, when)
        await this.#report(findings)
      }
    })
  }

  /**
   * A CSIStorageCapacity that has grown wakes pods, kube-scheduler asks the extender about them, and a pod that is refused
   * then waits for something else to wake it: what the extender reads has to be there first.
   */
  async #tellOfMore(findings: Findings, capacity: Capacity, when: WhenToTell): Promise<void> {
    const isReported = await this.#report(findings, true)
    if (isReported || when !== 'soon') await this.#tellScheduler(findings, capacity, when)
  }

  #hasMore({ state }: Findings, { usableBytes, largestVolumeBytes }: Capacity): boolean {
    const told = this.#told.get(state.name)?.capacity
    if (told === undefined || state.storageClass === undefined) return false
    const grown = [usableBytes - told.usableBytes, largestVolumeBytes - told.largestVolumeBytes]
    return grown.some((bytes) => bytes > 0n) && !grown.some((bytes) => bytes < 0n)
  }

  /** Gives whether the report is there, and need not be written later. */
  async #report(findings: Findings, isNews = false): Promise<boolean> {
    const later = await this.#reports.write(findings, isNews)
    if (later !== undefined) this.#onLater(findings.state.name, later.againAfterMs)
    return later === undefined
  }

  /** Takes back what the scheduler was told about a class that has nothing here. */
  async withdraw(storageClassName: string): Promise<void> {
    await this.#turns.run(storageClassName, async () => {
      this.#told.delete(storageClassName)
      await this.#deleteCapacity(storageClassName)
    })
  }

  async #tellScheduler({ state }: Findings, capacity: Capacity, when: WhenToTell): Promise<void> {
    if (state.storageClass === undefined) {
      await this.#deleteCapacity(state.name)
      return
    }
    const { nodeUid, name: storageClassName } = state
    const wanted = storageCapacityFor({ identity: this.#identity, nodeUid, storageClassName, capacity })
    const text = JSON.stringify(wanted)
    if (when !== 'always' && this.#told.get(state.name)?.text === text) return
    await this.#ports.client.patch(CSI_STORAGE_CAPACITIES, this.#capacityName(state.name), wanted, {
      type: 'apply',
      fieldManager: FIELD_MANAGER,
    })
    this.#told.set(state.name, { text, capacity })
  }

  async #deleteCapacity(storageClassName: string): Promise<void> {
    const { client } = this.#ports
    const name = this.#capacityName(storageClassName)
    const existing = await client.get<KubeObject>(CSI_STORAGE_CAPACITIES, name)
    if (existing?.metadata.uid === undefined) return
    await client.delete(CSI_STORAGE_CAPACITIES, name, { uid: existing.metadata.uid })
  }

  #capacityName(storageClassName: string): { namespace: string; name: string } {
    return {
      namespace: this.#identity.namespace,
      name: nodeLocalStorageName(storageClassName, this.#identity.nodeName),
    }
  }
}
