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
import type { ClaimView } from '../kube/claim-view.ts'
import { claimThatConcerns } from './claim-filter.ts'
import { viewClass, type ClassView } from '../kube/class-view.ts'
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
      project: claimThatConcerns,
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
