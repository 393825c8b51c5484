import { LoamError } from '../core/errors.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import type { ClassView } from '../kube/class-view.ts'
import { NotFound } from '../kube/errors.ts'
import { NODES } from '../kube/resources.ts'
import type { KubeObject, ObjectStore } from '../kube/types.ts'
import { Stuck } from '../lvm/errors.ts'
import type { ClassOnNode } from './class-on-node.ts'
import { differingLists } from './disk-lists.ts'
import { recordedDisks } from './disk-status.ts'
import { groupRequestFor } from './group-request.ts'
import type { Identity, Ports } from './ports.ts'
import { WantedReports } from './wanted-reports.ts'

interface Stores {
  readonly classes: ObjectStore<ClassView>
  readonly reports: ObjectStore<NodeLocalStorage>
}

/** What came of looking at a class here. With a `failure` the look is to be repeated. */
export interface Look {
  readonly state: ClassOnNode
  readonly failure?: LoamError
}

/** Finds what a class has on this node, and makes what it lacks: its NodeLocalStorage, and its volume group. */
export class ClassLooker {
  readonly #ports: Ports
  readonly #identity: Identity
  readonly #stores: Stores
  readonly #states: ReadonlyMap<string, ClassOnNode>
  readonly #wantedReports: WantedReports

  /** `states` are the newest of all classes, kept by the caller. */
  constructor(ports: Ports, identity: Identity, stores: Stores, states: ReadonlyMap<string, ClassOnNode>) {
    this.#ports = ports
    this.#identity = identity
    this.#stores = stores
    this.#states = states
    this.#wantedReports = new WantedReports(ports, identity, states)
  }

  /**
   * Undefined when the class has nothing on this node, and wants nothing.
   * @throws NotFound when the node itself has no object
   */
  async look(storageClassName: string): Promise<Look | undefined> {
    const node = await this.#ports.client.get<KubeObject>(NODES, { name: this.#identity.nodeName })
    if (node === undefined)
      throw new NotFound(`Node "${this.#identity.nodeName}"`, 'does not exist (any more)')
    const storageClass = this.#stores.classes.get(storageClassName)
    return storageClass === undefined
      ? await this.#lookWithoutClass(storageClassName, node)
      : await this.#lookAt(storageClass, node)
  }

  /** Undefined when the class is not for this node. */
  async #lookAt(storageClass: ClassView, node: KubeObject): Promise<Look | undefined> {
    const report = await this.#wantedReports.write(storageClass, node)
    if (report === undefined) return undefined
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
    const report = await this.#wantedReports.read(name)
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
}
