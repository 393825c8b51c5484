import type { NodeLocalStorage } from '../crd/types.ts'
import { isOlder } from '../kube/resource-version.ts'
import type { ObjectStore } from '../kube/types.ts'
import type { RoomNow } from './room-now.ts'

/** What GroupRooms found a group to have left, and from what: it is looked at for thousands of nodes at a time. */
export interface Reckoned {
  readonly report: NodeLocalStorage
  readonly epoch: number
  /** Of the claims on their way: to all nodes when this was last looked at, and to this node. */
  version: number
  readonly versionOfNode: number
  readonly now: RoomNow | undefined
}

/** A volume group on a node, as the reports of the classes that share it tell of it. */
export class GroupOnNode {
  readonly nodeName: string
  readonly name: string
  reckoned: Reckoned | undefined
  readonly #byClass = new Map<string, NodeLocalStorage>()
  #newest: NodeLocalStorage | undefined

  constructor(nodeName: string, name: string) {
    this.nodeName = nodeName
    this.name = name
  }

  /** The report that was written last: each has the numbers of the whole group. */
  get newest(): NodeLocalStorage | undefined {
    return this.#newest
  }

  get reports(): Iterable<NodeLocalStorage> {
    return this.#byClass.values()
  }

  set(report: NodeLocalStorage): void {
    this.#byClass.set(report.spec.storageClassName, report)
    this.#choose()
  }

  delete(report: NodeLocalStorage): void {
    this.#byClass.delete(report.spec.storageClassName)
    this.#choose()
  }

  #choose(): void {
    let newest: NodeLocalStorage | undefined
    for (const report of this.#byClass.values())
      if (
        newest === undefined ||
        !isOlder(report.metadata.resourceVersion ?? '', newest.metadata.resourceVersion)
      )
        newest = report
    this.#newest = newest
  }
}

/** What a class has on a node. */
export interface ClassReport {
  readonly report: NodeLocalStorage
  readonly group: GroupOnNode
}

const NONE: ReadonlyMap<string, ClassReport> = new Map()

/** The reports, by class and node, and by volume group. */
export class GroupsOnNodes {
  readonly #byClass = new Map<string, Map<string, ClassReport>>()
  readonly #byNode = new Map<string, Map<string, GroupOnNode>>()

  constructor(reports: ObjectStore<NodeLocalStorage>) {
    for (const [, report] of reports.entries()) this.#add(report)
    reports.onChange((_, now, before) => {
      if (before !== undefined) this.#remove(before)
      if (now !== undefined) this.#add(now)
    })
  }

  /** What a class has, by node. */
  ofClass(storageClassName: string): ReadonlyMap<string, ClassReport> {
    return this.#byClass.get(storageClassName) ?? NONE
  }

  #add(report: NodeLocalStorage): void {
    const { storageClassName, nodeName, volumeGroup } = report.spec
    const groups = this.#byNode.get(nodeName) ?? new Map<string, GroupOnNode>()
    const group = groups.get(volumeGroup) ?? new GroupOnNode(nodeName, volumeGroup)
    group.set(report)
    this.#byNode.set(nodeName, groups.set(volumeGroup, group))
    const ofClass = this.#byClass.get(storageClassName) ?? new Map<string, ClassReport>()
    this.#byClass.set(storageClassName, ofClass.set(nodeName, { report, group }))
  }

  #remove(report: NodeLocalStorage): void {
    const { storageClassName, nodeName, volumeGroup } = report.spec
    const groups = this.#byNode.get(nodeName)
    const group = groups?.get(volumeGroup)
    group?.delete(report)
    if (group?.newest === undefined) groups?.delete(volumeGroup)
    if (groups?.size === 0) this.#byNode.delete(nodeName)
    const ofClass = this.#byClass.get(storageClassName)
    ofClass?.delete(nodeName)
    if (ofClass?.size === 0) this.#byClass.delete(storageClassName)
  }
}
