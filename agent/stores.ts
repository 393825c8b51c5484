import type { Logger } from '../core/logger.ts'
import { NODE_LABEL } from '../core/naming.ts'
import type { NodeLocalStorage } from '../crd/types.ts'
import { startReflector, type Reflector } from '../kube/reflector.ts'
import {
  NODE_LOCAL_STORAGES,
  PERSISTENT_VOLUMES,
  PERSISTENT_VOLUME_CLAIMS,
  STORAGE_CLASSES,
} from '../kube/resources.ts'
import type { Transport } from '../kube/transport.ts'
import { claimsThatConcern, type ClaimView } from './claim-view.ts'
import { viewClass, type ClassView } from './class-view.ts'
import { viewPersistentVolume, type PersistentVolumeView } from './persistent-volume.ts'

/** What the agent keeps of the cluster: only what concerns this node, and only the fields it reads. */
export interface Stores {
  readonly claims: Reflector<ClaimView>
  readonly classes: Reflector<ClassView>
  readonly persistentVolumes: Reflector<PersistentVolumeView>
  readonly reports: Reflector<NodeLocalStorage>
}

/** Starts the four watches. */
export const startStores = (
  transport: Transport,
  nodeName: string,
  log: Logger,
  signal: AbortSignal,
): Stores => {
  const common = { transport, log, signal }
  return {
    claims: startReflector({
      ...common,
      type: PERSISTENT_VOLUME_CLAIMS,
      project: claimsThatConcern(nodeName),
    }),
    classes: startReflector({ ...common, type: STORAGE_CLASSES, project: viewClass }),
    persistentVolumes: startReflector({
      ...common,
      type: PERSISTENT_VOLUMES,
      options: { labelSelector: `${NODE_LABEL}=${nodeName}` },
      project: viewPersistentVolume,
    }),
    reports: startReflector({
      ...common,
      type: NODE_LOCAL_STORAGES,
      options: { fieldSelector: `spec.nodeName=${nodeName}` },
      project: (report: NodeLocalStorage) => report,
    }),
  }
}

export const storesSynced = async (stores: Stores): Promise<void> => {
  await Promise.all(Object.values(stores).map((store: Reflector<unknown>) => store.synced))
}

/** What keeps a store from the truth at the moment; undefined when all watches are open. */
export const storesTrouble = (stores: Stores): string | undefined => {
  const troubles = Object.entries(stores).flatMap(([name, store]: [string, Reflector<unknown>]) =>
    store.trouble === undefined ? [] : [`${name}: ${store.trouble}`],
  )
  return troubles.length === 0 ? undefined : troubles.join('; ')
}
