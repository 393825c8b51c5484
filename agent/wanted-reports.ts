import { disksForNode } from '../core/disk-selection.ts'
import { nodeLocalStorageName } from '../core/naming.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import type { ClassView } from '../kube/class-view.ts'
import { NODE_LOCAL_STORAGES } from '../kube/resources.ts'
import type { KubeObject } from '../kube/types.ts'
import type { ClassOnNode } from './class-on-node.ts'
import { nodeLocalStorageFor, specPatch } from './node-local-storage.ts'
import type { Identity, Ports } from './ports.ts'

/** The NodeLocalStorages of this node, each with the spec that its class wants. */
export class WantedReports {
  readonly #ports: Ports
  readonly #identity: Identity
  readonly #states: ReadonlyMap<string, ClassOnNode>

  /** `states` are the newest of all classes, kept by the caller. */
  constructor(ports: Ports, identity: Identity, states: ReadonlyMap<string, ClassOnNode>) {
    this.#ports = ports
    this.#identity = identity
    this.#states = states
  }

  /** As it is in the API server now. */
  async read(storageClassName: string): Promise<NodeLocalStorage | undefined> {
    const name = nodeLocalStorageName(storageClassName, this.#identity.nodeName)
    return this.#ports.client.get<NodeLocalStorage>(NODE_LOCAL_STORAGES, { name })
  }

  /** Makes or changes the one of a class. Undefined when the class is not for this node. */
  async write(storageClass: ClassView, node: KubeObject): Promise<NodeLocalStorage | undefined> {
    const { settings, name } = storageClass
    const parameters = 'parameters' in settings ? settings.parameters : settings.error.readable
    const paths = disksForNode(parameters.disks, this.#identity.nodeName, node.metadata.labels ?? {})
    const existing = await this.read(name)
    const isNamed = paths.length > 0 || existing !== undefined
    // A class without disks of its own is for the nodes that already have the group it names.
    if (!isNamed && (parameters.disks.length > 0 || !(await this.#hasGroup(parameters.volumeGroup))))
      return undefined
    if (existing === undefined) this.#startAfresh(name, parameters.volumeGroup)
    return this.#put(
      existing,
      nodeLocalStorageFor(this.#identity, name, parameters, [
        ...new Set([...paths, ...(existing === undefined ? this.#memberPaths(name) : [])]),
      ]),
    )
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

  async #put(existing: NodeLocalStorage | undefined, wanted: NodeLocalStorage): Promise<NodeLocalStorage> {
    const { client } = this.#ports
    if (existing === undefined) return client.create(NODE_LOCAL_STORAGES, wanted)
    const patch = specPatch(existing, wanted)
    if (patch === undefined) return existing
    return client.patch(NODE_LOCAL_STORAGES, { name: wanted.metadata.name ?? '' }, patch, { type: 'merge' })
  }
}
