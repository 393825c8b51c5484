import type { ResourceType } from './types.ts'

const core = (kind: string, plural: string, namespaced: boolean): ResourceType => ({
  group: '',
  version: 'v1',
  plural,
  kind,
  namespaced,
})

export const PERSISTENT_VOLUMES = core('PersistentVolume', 'persistentvolumes', false)
export const PERSISTENT_VOLUME_CLAIMS = core('PersistentVolumeClaim', 'persistentvolumeclaims', true)
export const PODS = core('Pod', 'pods', true)
export const NODES = core('Node', 'nodes', false)
export const NAMESPACES = core('Namespace', 'namespaces', false)

export const STORAGE_CLASSES: ResourceType = {
  group: 'storage.k8s.io',
  version: 'v1',
  plural: 'storageclasses',
  kind: 'StorageClass',
  namespaced: false,
}

export const CSI_STORAGE_CAPACITIES: ResourceType = {
  group: 'storage.k8s.io',
  version: 'v1',
  plural: 'csistoragecapacities',
  kind: 'CSIStorageCapacity',
  namespaced: true,
}

export const LEASES: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
}

/** The newer of the two event APIs; `kubectl describe` shows events of both. */
export const EVENTS: ResourceType = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
}

/** Defined by crd/nodelocalstorages.yaml. */
export const NODE_LOCAL_STORAGES: ResourceType = {
  group: 'loam.storage',
  version: 'v1alpha1',
  plural: 'nodelocalstorages',
  kind: 'NodeLocalStorage',
  namespaced: false,
}
