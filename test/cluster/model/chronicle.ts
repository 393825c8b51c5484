import type { CsiStorageCapacity } from '../../../agent/storage-capacity.ts'
import type { Pod } from '../../../agent/claim-siblings.ts'
import type { PersistentVolume } from '../../../agent/persistent-volume.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { silentLogger } from '../../../core/logger.ts'
import type { PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import { startReflector, type Reflector } from '../../../kube/reflector.ts'
import {
  CSI_STORAGE_CAPACITIES,
  NODE_LOCAL_STORAGES,
  PERSISTENT_VOLUMES,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
} from '../../../kube/resources.ts'
import type { Transport } from '../../../kube/transport.ts'
import type { KubeObject, ResourceType } from '../../../kube/types.ts'

/** An object as it was from a moment on, by `performance.now()`. */
export interface Version<Kind> {
  readonly atMs: number
  /** Undefined when it was gone. */
  readonly object: Kind | undefined
}

/** Every version of the objects of a kind, as a watch of our own told of it, a moment late. */
class Chronicle<Kind extends KubeObject> {
  readonly #lives = new Map<string, Version<Kind>[]>()
  readonly #now: Reflector<Kind>

  constructor(transport: Transport, type: ResourceType, signal: AbortSignal) {
    this.#now = startReflector<Kind, Kind>({
      ...{ transport, type, log: silentLogger, signal, project: (object: Kind) => object },
    })
    this.#now.onChange((_, object, before) => {
      const uid = (object ?? before)?.metadata.uid ?? ''
      const versions = this.#lives.get(uid) ?? []
      this.#lives.set(uid, versions)
      versions.push({ atMs: performance.now(), object })
    })
  }

  get synced(): Promise<void> {
    return this.#now.synced
  }

  get(namespace: string | undefined, name: string): Kind | undefined {
    return this.#now.get(namespace === undefined ? name : `${namespace}/${name}`)
  }

  current(): Kind[] {
    return [...this.#now.entries()].map(([, object]) => object)
  }

  /** The versions of one object, oldest first. */
  of(uid: string): readonly Version<Kind>[] {
    return this.#lives.get(uid) ?? []
  }

  /** Those of every object. */
  all(): (readonly Version<Kind>[])[] {
    return [...this.#lives.values()]
  }
}

/** What was in force at some time of an interval; an empty list when there was nothing before its end. */
export const versionsWithin = <Kind>(
  versions: readonly Version<Kind>[],
  fromMs: number,
  toMs: number,
): readonly Version<Kind>[] =>
  versions.filter(({ atMs }, index) => atMs <= toMs && (versions[index + 1]?.atMs ?? Infinity) > fromMs)

export interface Chronicles {
  readonly claims: Chronicle<PersistentVolumeClaim>
  readonly volumes: Chronicle<PersistentVolume>
  readonly pods: Chronicle<Pod>
  readonly capacities: Chronicle<CsiStorageCapacity>
  readonly reports: Chronicle<NodeLocalStorage>
}

/** Begins to write down what happens in the cluster. */
export const startChronicles = async (transport: Transport, signal: AbortSignal): Promise<Chronicles> => {
  const chronicles: Chronicles = {
    claims: new Chronicle(transport, PERSISTENT_VOLUME_CLAIMS, signal),
    volumes: new Chronicle(transport, PERSISTENT_VOLUMES, signal),
    pods: new Chronicle(transport, PODS, signal),
    capacities: new Chronicle(transport, CSI_STORAGE_CAPACITIES, signal),
    reports: new Chronicle(transport, NODE_LOCAL_STORAGES, signal),
  }
  await Promise.all(Object.values(chronicles).map(({ synced }: { synced: Promise<void> }) => synced))
  return chronicles
}
