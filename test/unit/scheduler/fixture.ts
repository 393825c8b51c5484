import { parseQuantity } from '../../../core/quantity.ts'
import { silentLogger } from '../../../core/logger.ts'
import type { NodeLocalStorage } from '../../../crd/types.ts'
import { viewClaim, type ClaimView, type PersistentVolumeClaim } from '../../../kube/claim-view.ts'
import { viewClass, type ClassView, type StorageClass } from '../../../kube/class-view.ts'
import { LocalCopy } from '../../../kube/object-store.ts'
import type { ObjectStore } from '../../../kube/types.ts'

export const MIB = 1024n * 1024n

/** A class that binds at once. */
export const classOf = (other: Partial<StorageClass> = {}): ClassView => {
  const view = viewClass({
    metadata: { name: 'fast', uid: 'class-uid' },
    provisioner: 'loam.storage',
    parameters: { volumeGroup: 'loam-fast' },
    volumeBindingMode: 'Immediate',
    ...other,
  })
  if (view === undefined) throw new Error('not a class of ours')
  return view
}

/** A claim that waits for its node. */
export const claimOf = (storage = '10Mi', metadata: PersistentVolumeClaim['metadata'] = {}): ClaimView =>
  viewClaim({
    metadata: {
      ...{ namespace: 'shop', name: 'cart', uid: 'uid-1', resourceVersion: '7' },
      annotations: { 'volume.kubernetes.io/storage-provisioner': 'loam.storage' },
      ...metadata,
    },
    spec: {
      storageClassName: 'fast',
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage } },
    },
  })

export interface Copy<Kept> extends ObjectStore<Kept> {
  /** As a watch does it; undefined: the object has gone. */
  readonly put: (name: string, kept: Kept | undefined) => void
}

/** A local copy with these in it, by name. */
export const copyOf = <Kept>(kept: Readonly<Record<string, Kept>> = {}): Copy<Kept> => {
  const copy = new LocalCopy<Kept>(silentLogger)
  let version = 0
  const put = (name: string, each: Kept | undefined): void =>
    void copy.set({ metadata: { name, uid: name, resourceVersion: String((version += 1)) } }, each)
  for (const [name, each] of Object.entries(kept)) put(name, each)
  return {
    get: (key) => copy.get(key),
    entries: () => copy.entries(),
    onChange: (listener) => copy.onChange(listener),
    ...{ synced: Promise.resolve(), put },
  }
}

/** What the agent of a node reports of the class, whose free extents of 1 MiB lie in one run. */
export const reportOf = (
  nodeName: string,
  largestVolume: string,
  ready: { status: 'True' | 'False'; reason: string } = { status: 'True', reason: 'Ready' },
): NodeLocalStorage => ({
  metadata: { name: `fast.${nodeName}` },
  spec: { nodeName, storageClassName: 'fast', volumeGroup: 'loam-fast', layout: 'linear', disks: [] },
  status: {
    volumeGroup: {
      ...{ name: 'loam-fast', uuid: 'abcdef-0123-4567-89ab-cdef-0123-456789', extentSize: '1Mi' },
      ...{ size: '1Gi', free: '1Gi', largestVolume },
      ...{ volumes: 0, missingDisks: 0, seqno: 1, digest: 'd41d8cd98f00b204e9800998ecf8427e' },
    },
    room: {
      disks: [{ runs: [Number((parseQuantity(largestVolume) ?? 0n) / MIB)].filter((run) => run > 0) }],
    },
    conditions: [{ type: 'Ready', message: '', lastTransitionTime: '2026-01-01T00:00:00Z', ...ready }],
  },
})
