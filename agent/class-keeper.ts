import type { LoamError } from '../core/errors.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import type { ClassView } from '../kube/class-view.ts'
import type { ObjectStore } from '../kube/types.ts'
import type { Inventory } from '../lvm/types.ts'
import { ClassLooker } from './class-look.ts'
import { refresh, type ClassOnNode, type Findings } from './class-on-node.ts'
import type { ClassReporter, WhenToTell } from './class-reporter.ts'
import type { Identity, Ports } from './ports.ts'
import { ServedClaims } from './served-claims.ts'
import { Turns } from './turns.ts'
import { requestsOfWaiting } from './waiting-claims.ts'

interface Stores {
  readonly claims: ObjectStore<ClaimView>
  readonly classes: ObjectStore<ClassView>
  readonly reports: ObjectStore<NodeLocalStorage>
}

/**
 * Keeps what each StorageClass has on this node: looks at its disks, makes its volume group, and has it reported.
 * Looking (`reconcile`) and telling the numbers (`publish`) are apart, because a burst of volumes changes only the
 * numbers.
 */
export class ClassKeeper {
  readonly #ports: Ports
  readonly #identity: Identity
  readonly #stores: Stores
  readonly #reporter: ClassReporter
  readonly #looker: ClassLooker
  readonly #states = new Map<string, ClassOnNode>()
  /** One look at a class at a time: an older one, still under way, would bring back what a newer one has found gone. */
  readonly #looks = new Turns()
  /** UIDs of claims that are given to this node, and will not be served here. */
  readonly #setAside = new Set<string>()
  readonly #served = new ServedClaims()
  readonly #onGroupChange: (storageClassName: string) => void

  constructor(
    ports: Ports,
    identity: Identity,
    stores: Stores,
    reporter: ClassReporter,
    onGroupChange: (storageClassName: string) => void,
  ) {
    this.#ports = ports
    this.#identity = identity
    this.#stores = stores
    this.#reporter = reporter
    this.#looker = new ClassLooker(ports, identity, stores, this.#states)
    this.#onGroupChange = onGroupChange
  }

  /** The class of that name, whether or not this node has disks for it. */
  find(storageClassName: string): ClassView | undefined {
    return this.#stores.classes.get(storageClassName)
  }

  /**
   * What the class has here; looks first when it never has, and tells nobody of it: that is for `reconcile`. Undefined when
   * the class is not for this node.
   */
  async stateOf(storageClassName: string): Promise<ClassOnNode | undefined> {
    if (!this.#states.has(storageClassName))
      await this.#looks.run(storageClassName, async () => {
        const failure = this.#states.has(storageClassName) ? undefined : await this.#look(storageClassName)
        if (failure !== undefined) throw failure
      })
    return this.#states.get(storageClassName)
  }

  /** Says that volumes of a group came or went: the classes that use it are published again soon. */
  groupChanged(groupUuid: string): void {
    for (const [name, state] of this.#states) if (state.group?.uuid === groupUuid) this.#onGroupChange(name)
  }

  /** Names of the classes that use a group of this node. */
  classesOfGroup(groupName: string): string[] {
    return [...this.#stores.reports.entries()]
      .map(([, { spec }]) => spec)
      .filter((spec) => spec.volumeGroup === groupName)
      .map((spec) => spec.storageClassName)
  }

  /**
   * Looks at the disks of a class, makes its group if that can be done, and tells what came of it. Claims wait for the look
   * and not for the telling, which may take as long as the API server does.
   */
  async reconcile(storageClassName: string): Promise<void> {
    const failure = await this.#looks.run(storageClassName, () => this.#look(storageClassName))
    await this.publish(storageClassName, 'always')
    if (failure !== undefined) throw failure
  }

  /** Gives why the look has to be repeated. What was told of a class that has nothing here is taken back in the same turn. */
  async #look(storageClassName: string): Promise<LoamError | undefined> {
    const look = await this.#looker.look(storageClassName)
    if (look === undefined) {
      this.#states.delete(storageClassName)
      await this.#reporter.withdraw(storageClassName)
      return undefined
    }
    this.#states.set(storageClassName, look.state)
    return look.failure
  }

  /** Tells size, free space and largest volume as they are now. Returns when the API server has them, or will have them `soon`. */
  async publish(storageClassName: string, when: WhenToTell): Promise<void> {
    await this.#reporter.tell(storageClassName, when, () => this.#findings(storageClassName))
  }

  /**
   * What the class has here, with the numbers of this moment. When a look ends while they are read, what it found
   * counts: kept would be a class that has gone by now, and its capacity be offered until the agent ends.
   */
  async #findings(storageClassName: string): Promise<Findings | undefined> {
    for (;;) {
      const before = this.#states.get(storageClassName)
      if (before === undefined) return undefined
      const inventory = await this.#ports.volumes.inventory()
      if (this.#states.get(storageClassName) !== before) continue
      const state = refresh(before, inventory)
      this.#states.set(storageClassName, state)
      return { state, inventory: this.#withWaiting(inventory), servedClaims: this.#served.uids() }
    }
  }

  #withWaiting(inventory: Inventory): Inventory {
    const { inCreation = [] } = inventory
    const begun = new Set(inCreation.map(({ name }) => name))
    const claims = [...this.#stores.claims.entries()].map(([, claim]) => claim)
    const expected = claims.filter(({ uid }) => !this.#setAside.has(uid))
    const waiting = requestsOfWaiting(this.#identity, expected, (name) => this.#states.get(name))
    return { ...inventory, inCreation: [...inCreation, ...waiting.filter(({ name }) => !begun.has(name))] }
  }

  /** A claim was given to this node: the room that it will take is offered to nobody else. */
  claimCame({ storageClassName }: ClaimView): void {
    const { group } = this.#states.get(storageClassName) ?? {}
    if (group !== undefined) this.groupChanged(group.uuid)
  }

  /** A claim that was given to this node is not any more, or has got its volume. */
  claimLeft(claim: ClaimView): void {
    this.#setAside.delete(claim.uid)
    this.claimCame(claim)
  }

  /** A claim has got its PersistentVolume. */
  claimServed({ uid }: ClaimView): void {
    this.#served.note(uid)
  }

  /** Claims that are about to be given back take no room any more, although they still select this node. */
  setAside(claims: readonly ClaimView[]): void {
    for (const { uid } of claims) this.#setAside.add(uid)
  }

  /** Classes whose reports name the same group as this one: what is wanted of it concerns all of them. */
  sharing(report: NodeLocalStorage): string[] {
    const { storageClassName, volumeGroup } = report.spec
    return [...new Set([storageClassName, ...this.classesOfGroup(volumeGroup)])]
  }

  /** Whether something goes on with the disks of a class that the next look will find ended. */
  isWaitingForDisks(storageClassName: string): boolean {
    return this.#states.get(storageClassName)?.disks.some(({ reason }) => reason === 'Erasing') ?? false
  }
}
