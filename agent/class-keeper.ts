import { disksForNode } from '../core/disk-selection.ts'
import { LoamError } from '../core/errors.ts'
import { nodeLocalStorageName } from '../core/naming.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import { NotFound } from '../kube/errors.ts'
import { NODES, NODE_LOCAL_STORAGES } from '../kube/resources.ts'
import type { KubeObject, ObjectStore } from '../kube/types.ts'
import { Stuck } from '../lvm/errors.ts'
import type { Inventory } from '../lvm/types.ts'
import { refresh, type ClassOnNode, type Findings } from './class-on-node.ts'
import type { ClassReporter } from './class-reporter.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import type { ClassView } from '../kube/class-view.ts'
import { differingLists } from './disk-lists.ts'
import { recordedDisks } from './disk-status.ts'
import { groupRequestFor } from './group-request.ts'
import { nodeLocalStorageFor, specPatch } from './node-local-storage.ts'
import type { Identity, Ports } from './ports.ts'
import { Turns } from './turns.ts'
import { requestsOfWaiting } from './waiting-claims.ts'

interface Stores {
  readonly claims: ObjectStore<ClaimView>
  readonly classes: ObjectStore<ClassView>
  readonly reports: ObjectStore<NodeLocalStorage>
}

/** A class as far as it concerns this node: what it wants here. */
interface Wanted {
  readonly storageClass: ClassView
  readonly report: NodeLocalStorage
}

/** What came of looking at a class here. With a `failure` the look is to be repeated. */
interface Look {
  readonly state: ClassOnNode
  readonly failure?: LoamError
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
  readonly #states = new Map<string, ClassOnNode>()
  /** One look at a class at a time: an older one, still under way, would bring back what a newer one has found gone. */
  readonly #looks = new Turns()
  /** UIDs of claims that are given to this node, and will not be served here. */
  readonly #setAside = new Set<string>()
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
    this.#onGroupChange = onGroupChange
  }

  /** The class of that name, whether or not this node has disks for it. */
  find(storageClassName: string): ClassView | undefined {
    return this.#stores.classes.get(storageClassName)
  }

  /** What the class has here; looks first when it never has. Undefined when the class is not for this node. */
  async stateOf(storageClassName: string): Promise<ClassOnNode | undefined> {
    if (!this.#states.has(storageClassName))
      await this.#looks.run(storageClassName, async () => {
        if (!this.#states.has(storageClassName)) await this.#reconcile(storageClassName)
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

  /** Looks at the disks of a class, makes its group if that can be done, and tells what came of it. */
  async reconcile(storageClassName: string): Promise<void> {
    await this.#looks.run(storageClassName, () => this.#reconcile(storageClassName))
  }

  async #reconcile(storageClassName: string): Promise<void> {
    const node = await this.#ports.client.get<KubeObject>(NODES, { name: this.#identity.nodeName })
    if (node === undefined)
      throw new NotFound(`Node "${this.#identity.nodeName}"`, 'does not exist (any more)')
    const storageClass = this.#stores.classes.get(storageClassName)
    const look =
      storageClass === undefined
        ? await this.#lookWithoutClass(storageClassName, node)
        : await this.#look(storageClass, node)
    if (look === undefined) {
      this.#states.delete(storageClassName)
      await this.#reporter.withdraw(storageClassName)
      return
    }
    this.#states.set(storageClassName, look.state)
    await this.publish(storageClassName, 'always')
    if (look.failure !== undefined) throw look.failure
  }

  /** Tells size, free space and largest volume as they are now. Returns when the API server has them. */
  async publish(storageClassName: string, when: 'changed' | 'always' = 'changed'): Promise<void> {
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
      return { state, inventory: this.#withWaiting(inventory) }
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

  /** Claims that are about to be given back take no room any more, although they still select this node. */
  setAside(claims: readonly ClaimView[]): void {
    for (const { uid } of claims) this.#setAside.add(uid)
  }

  /** Undefined when the class is not for this node. */
  async #look(storageClass: ClassView, node: KubeObject): Promise<Look | undefined> {
    const wanted = await this.#wanted(storageClass, node)
    if (wanted === undefined) return undefined
    const { report } = wanted
    const common = {
      name: storageClass.name,
      storageClass,
      nodeUid: node.metadata.uid ?? '',
      generation: report.metadata.generation ?? 0,
    }
    const { settings } = storageClass
    if ('error' in settings) {
      const { reason, message } = settings.error
      return { state: { ...common, disks: [], group: undefined, problem: { reason, message } } }
    }
    const { volumeGroup } = settings.parameters
    if ((report.spec.disks ?? []).length === 0 && recordedDisks(report).length === 0)
      return { state: { ...common, disks: [], ...(await this.#sharedGroup(volumeGroup)) } }
    try {
      return { state: { ...common, ...(await this.#ensure(report)) } }
    } catch (error) {
      if (!(error instanceof LoamError)) throw error
      const before = this.#states.get(storageClass.name)
      const problem = { reason: error.reason, message: error.message }
      const state = { ...common, disks: before?.disks ?? [], group: before?.group, problem }
      // What is stuck is looked at again when it ends, and not before.
      return error instanceof Stuck ? { state } : { state, failure: error }
    }
  }

  async #ensure(
    report: NodeLocalStorage,
  ): Promise<Pick<ClassOnNode, 'group' | 'disks' | 'problem' | 'listProblem'>> {
    const others = this.#otherReports(report)
    const listProblem = differingLists(report, others)
    const request = groupRequestFor(this.#identity.clusterId, report, others)
    const result = await this.#ports.volumes.ensureGroup(request)
    const problem = result.problem?.reason === 'ListsDiffer' ? listProblem : result.problem
    return { ...result, problem, listProblem }
  }

  #otherReports(report: NodeLocalStorage): NodeLocalStorage[] {
    return [...this.#stores.reports.entries()]
      .map(([, other]) => other)
      .filter((other) => other.metadata.name !== report.metadata.name)
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

  /** A class without disks uses the group that another class makes, and shares what is wrong with it. */
  async #sharedGroup(name: string): Promise<Pick<ClassOnNode, 'group' | 'problem'>> {
    const { groups, unseen } = await this.#ports.volumes.inventory()
    const maker = [...this.#states.values()].find(
      (state) => state.group?.name === name && state.disks.length > 0,
    )
    const group = groups.find((candidate) => candidate.name === name) ?? maker?.group
    const hidden = unseen.find((candidate) => candidate.name === name)
    if (hidden !== undefined) return { group, problem: { reason: hidden.reason, message: hidden.message } }
    if (group !== undefined) return { group, problem: maker?.problem }
    const message = `no class has made volume group "${name}" on this node yet, and this one lists no disks`
    return { group: undefined, problem: { reason: 'NoVolumeGroup', message } }
  }

  /** The class was deleted, but its group and its volumes are still here: they are shown, and offered to nobody. */
  async #lookWithoutClass(name: string, node: KubeObject): Promise<Look | undefined> {
    const report = await this.#readReport(name)
    if (report === undefined) return undefined
    const { groups } = await this.#ports.volumes.inventory()
    const problem = {
      reason: 'ClassNotFound',
      message:
        `StorageClass "${name}" does not exist: its volumes are kept, new ones are not made; ` +
        'create the class again to go on, or delete this object when its volumes are gone',
    }
    const state = {
      ...{ name, storageClass: undefined, nodeUid: node.metadata.uid ?? '', problem },
      generation: report.metadata.generation ?? 0,
      disks: [],
      group: groups.find((group) => group.name === report.spec.volumeGroup),
    }
    return { state }
  }

  async #wanted(storageClass: ClassView, node: KubeObject): Promise<Wanted | undefined> {
    const { settings, name } = storageClass
    const parameters = 'parameters' in settings ? settings.parameters : settings.error.readable
    const paths = disksForNode(parameters.disks, this.#identity.nodeName, node.metadata.labels ?? {})
    const existing = await this.#readReport(name)
    const isNamed = paths.length > 0 || existing !== undefined
    // A class without disks of its own is for the nodes that already have the group it names.
    if (!isNamed && (parameters.disks.length > 0 || !(await this.#hasGroup(parameters.volumeGroup))))
      return undefined
    if (existing === undefined) this.#startAfresh(name, parameters.volumeGroup)
    const report = await this.#writeReport(
      existing,
      nodeLocalStorageFor(this.#identity, name, parameters, [
        ...new Set([...paths, ...(existing === undefined ? this.#memberPaths(name) : [])]),
      ]),
    )
    return { storageClass, report }
  }

  /** A report that was deleted is made again with the disks that the group has: one may have been added by hand. */
  #memberPaths(storageClassName: string): string[] {
    const disks = this.#states.get(storageClassName)?.disks ?? []
    return disks
      .filter(({ state, reason }) => state === 'Accepted' && reason !== 'Closed')
      .map(({ path }) => path)
  }

  /** Without a report nothing is expected here: whoever removed a group by hand removes its report, too. */
  #startAfresh(storageClassName: string, groupName: string): void {
    const others = [...this.#states.values()].filter(({ name }) => name !== storageClassName)
    if (!others.some(({ group }) => group?.name === groupName)) this.#ports.volumes.forgetGroup(groupName)
  }

  async #hasGroup(name: string): Promise<boolean> {
    return (await this.#ports.volumes.inventory()).groups.some((group) => group.name === name)
  }

  async #readReport(storageClassName: string): Promise<NodeLocalStorage | undefined> {
    const name = nodeLocalStorageName(storageClassName, this.#identity.nodeName)
    return this.#ports.client.get<NodeLocalStorage>(NODE_LOCAL_STORAGES, { name })
  }

  async #writeReport(
    existing: NodeLocalStorage | undefined,
    wanted: NodeLocalStorage,
  ): Promise<NodeLocalStorage> {
    const { client } = this.#ports
    if (existing === undefined) return client.create(NODE_LOCAL_STORAGES, wanted)
    const patch = specPatch(existing, wanted)
    if (patch === undefined) return existing
    return client.patch(NODE_LOCAL_STORAGES, { name: wanted.metadata.name ?? '' }, patch, { type: 'merge' })
  }
}
