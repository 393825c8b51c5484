import type { TopologyTerm } from '../core/allowed-topologies.ts'
import { DRIVER_NAME } from '../core/naming.ts'
import { parseParameters, type ClassParameters, type InvalidParameters } from '../core/parameters.ts'
import type { KubeObject } from './types.ts'

type BindingMode = 'Immediate' | 'WaitForFirstConsumer'

/** The parts of a StorageClass that Loam reads. */
export interface StorageClass extends KubeObject {
  readonly provisioner: string
  readonly parameters?: Readonly<Record<string, string>>
  readonly reclaimPolicy?: 'Delete' | 'Retain'
  readonly mountOptions?: readonly string[]
  readonly volumeBindingMode?: BindingMode
  readonly allowedTopologies?: readonly TopologyTerm[]
}

/** A StorageClass of ours, with its parameters read. */
export interface ClassView {
  readonly name: string
  readonly uid: string
  readonly reclaimPolicy: 'Delete' | 'Retain'
  readonly mountOptions: readonly string[]
  readonly bindingMode: BindingMode
  /** Empty: no restriction. */
  readonly allowedTopologies: readonly TopologyTerm[]
  readonly settings: { readonly parameters: ClassParameters } | { readonly error: InvalidParameters }
}

/** Projection: classes of other provisioners are dropped. */
export const viewClass = (storageClass: StorageClass): ClassView | undefined => {
  if (storageClass.provisioner !== DRIVER_NAME) return undefined
  const name = storageClass.metadata.name ?? ''
  return {
    name,
    uid: storageClass.metadata.uid ?? '',
    reclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
    mountOptions: storageClass.mountOptions ?? [],
    // the API server's own default
    bindingMode: storageClass.volumeBindingMode ?? 'Immediate',
    allowedTopologies: storageClass.allowedTopologies ?? [],
    settings: parseParameters(name, storageClass.parameters ?? {}),
  }
}
