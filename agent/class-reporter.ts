import PQueue from 'p-queue'
import { nodeLocalStorageName } from '../core/naming.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import { NotFound } from '../kube/errors.ts'
import { CSI_STORAGE_CAPACITIES, NODE_LOCAL_STORAGES } from '../kube/resources.ts'
import type { KubeObject } from '../kube/types.ts'
import type { Inventory } from '../lvm/types.ts'
import { capacityOf, type ClassOnNode } from './class-on-node.ts'
import { saysTheSame, statusFor } from './node-local-storage.ts'
import { FIELD_MANAGER, type Identity, type Ports } from './ports.ts'
import { storageCapacityFor } from './storage-capacity.ts'

/** What is to be told about one class, read at the moment of telling. */
export interface Findings {
  readonly state: ClassOnNode
  readonly inventory: Inventory
}

/** What the API server was last told about one class. */
interface Told {
  capacity?: string
  report?: NodeLocalStorage
}

/** Tells the scheduler (CSIStorageCapacity) and people (NodeLocalStorage status, events) what a class has here. */
export class ClassReporter {
  readonly #ports: Ports
  readonly #identity: Identity
  readonly #told = new Map<string, Told>()
  /** One report at a time, and each reads its numbers in its turn: an older one never overwrites a newer one. */
  readonly #turns = new PQueue({ concurrency: 1 })

  constructor(ports: Ports, identity: Identity) {
    this.#ports = ports
    this.#identity = identity
  }

  /** Returns when the API server has the findings; `changed` writes only what differs from what it was told last. */
  async tell(when: 'changed' | 'always', find: () => Promise<Findings | undefined>): Promise<void> {
    await this.#turns.add(async () => {
      const findings = await find()
      if (findings === undefined) return
      await this.#tellScheduler(findings, when)
      await this.#tellPeople(findings, when)
    })
  }

  /** Takes back what the scheduler was told about a class that has nothing here. */
  async withdraw(storageClassName: string): Promise<void> {
    await this.#turns.add(async () => {
      this.#told.delete(storageClassName)
      await this.#deleteCapacity(storageClassName)
    })
  }

  async #tellScheduler({ state, inventory }: Findings, when: 'changed' | 'always'): Promise<void> {
    if (state.storageClass === undefined) {
      await this.#deleteCapacity(state.name)
      return
    }
    const { nodeUid, name: storageClassName } = state
    const capacity = capacityOf(state, inventory)
    const wanted = storageCapacityFor({ identity: this.#identity, nodeUid, storageClassName, capacity })
    const told = this.#toldOf(state.name)
    const text = JSON.stringify(wanted)
    if (when === 'changed' && told.capacity === text) return
    await this.#ports.client.patch(CSI_STORAGE_CAPACITIES, this.#capacityName(state.name), wanted, {
      type: 'apply',
      fieldManager: FIELD_MANAGER,
    })
    told.capacity = text
  }

  async #tellPeople({ state, inventory }: Findings, when: 'changed' | 'always'): Promise<void> {
    const { client } = this.#ports
    const name = { name: nodeLocalStorageName(state.name, this.#identity.nodeName) }
    const existing = await client.get<NodeLocalStorage>(NODE_LOCAL_STORAGES, name)
    if (existing === undefined)
      throw new NotFound(`NodeLocalStorage "${name.name}"`, 'was deleted; it will be made again')
    const told = this.#toldOf(state.name)
    const capacity = capacityOf(state, inventory)
    const report = statusFor({ existing, state, capacity, volumes: inventory.volumes, now: new Date() })
    if (when === 'changed' && told.report !== undefined && saysTheSame(told.report, report)) return
    const { apiVersion, kind, metadata, status } = report
    await client.patch(
      NODE_LOCAL_STORAGES,
      name,
      { apiVersion, kind, metadata, status },
      {
        type: 'apply',
        subresource: 'status',
        fieldManager: FIELD_MANAGER,
      },
    )
    this.#tellOfRefusals(existing, report, told.report)
    told.report = report
  }

  /** An event for each disk that is refused or missing, when that is news. */
  #tellOfRefusals(
    existing: NodeLocalStorage,
    report: NodeLocalStorage,
    before: NodeLocalStorage | undefined,
  ): void {
    const known = new Set(before?.status?.disks?.map((disk) => `${disk.path} ${disk.reason ?? ''}`))
    for (const disk of report.status?.disks ?? []) {
      if (disk.state === 'Accepted' || known.has(`${disk.path} ${disk.reason ?? ''}`)) continue
      this.#ports.log.warn('disk not used', {
        disk: disk.path,
        state: disk.state,
        reason: disk.reason,
        detail: disk.message,
      })
      this.#ports.events.record({
        type: 'Warning',
        reason: `Disk${disk.state}`,
        action: 'JudgeDisk',
        message: `${disk.path} on node ${this.#identity.nodeName}: ${disk.message ?? ''}`,
        regarding: {
          apiVersion: existing.apiVersion ?? '',
          kind: existing.kind ?? '',
          name: existing.metadata.name ?? '',
          uid: existing.metadata.uid ?? '',
        },
      })
    }
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

  #toldOf(storageClassName: string): Told {
    const told = this.#told.get(storageClassName) ?? {}
    this.#told.set(storageClassName, told)
    return told
  }
}
