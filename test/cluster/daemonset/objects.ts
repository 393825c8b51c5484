import {
  DRIVER_NAME,
  NODE_LABEL,
  nodeLocalStorageName,
  TOPOLOGY_KEY,
  VOLUME_FINALIZER,
} from '../../../core/naming.ts'

/** What daemonset/ installs the agent into. */
export const NAMESPACE = 'loam-system'
export const CLASS = 'policy-test'
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node'
export const PROVISIONER = 'volume.kubernetes.io/storage-provisioner'

const term = (node: string) => ({
  matchExpressions: [{ key: TOPOLOGY_KEY, operator: 'In', values: [node] }],
})

export const persistentVolume = (node: string, claimUid: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: {
    name: `pvc-${claimUid}`,
    labels: { [NODE_LABEL]: node },
    finalizers: [VOLUME_FINALIZER],
  },
  spec: {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '4Mi' },
    claimRef: {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace: 'default',
      name: `claim-of-${node}`,
      uid: claimUid,
    },
    csi: { driver: DRIVER_NAME, volumeHandle: 'policy-test' },
    nodeAffinity: { required: { nodeSelectorTerms: [term(node)] } },
    persistentVolumeReclaimPolicy: 'Retain',
    storageClassName: CLASS,
    volumeMode: 'Filesystem',
  },
})

export const claim = (name: string, annotations: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'default', annotations },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '4Mi' } },
    storageClassName: CLASS,
  },
})

export const storageCapacity = (node: string, storageClassName = CLASS) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSIStorageCapacity',
  metadata: { name: nodeLocalStorageName(storageClassName, node), namespace: NAMESPACE },
  storageClassName,
  nodeTopology: { matchLabels: { [TOPOLOGY_KEY]: node } },
  capacity: '0',
})

export const nodeLocalStorage = (node: string, storageClassName = CLASS) => ({
  apiVersion: 'loam.storage/v1alpha1',
  kind: 'NodeLocalStorage',
  metadata: { name: nodeLocalStorageName(storageClassName, node) },
  spec: { nodeName: node, storageClassName, volumeGroup: 'policy-test', layout: 'linear' },
})

export const event = (node: string, name: string) => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name, namespace: 'default' },
  eventTime: '2026-01-01T00:00:00.000000Z',
  type: 'Normal',
  reason: 'PolicyTest',
  action: 'Test',
  regarding: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'default', name: 'claim' },
  reportingController: 'loam.storage/agent',
  reportingInstance: node,
})

export const lease = (node: string) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: `loam-agent-${node}`, namespace: NAMESPACE },
  spec: { holderIdentity: 'policy-test', leaseDurationSeconds: 60 },
})
