import { DRIVER_NAME, NODE_LABEL, TOPOLOGY_KEY, VOLUME_FINALIZER } from '../../../core/naming.ts'

/** What daemonset/ installs the agent into. */
export const NAMESPACE = 'loam-system'

export const persistentVolume = (node: string, claimUid: string) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: {
    name: `pvc-${claimUid}`,
    labels: { [NODE_LABEL]: node } as Record<string, string>,
    finalizers: [VOLUME_FINALIZER],
  },
  spec: {
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '4Mi' },
    claimRef: {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace: 'default',
      name: 'policy',
      uid: claimUid,
    },
    csi: { driver: DRIVER_NAME, volumeHandle: 'policy-test' },
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: TOPOLOGY_KEY, operator: 'In', values: [node] }] }],
      },
    },
    persistentVolumeReclaimPolicy: 'Retain',
    storageClassName: 'policy-test',
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
    storageClassName: 'policy-test',
  },
})

export const storageCapacity = (node: string) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSIStorageCapacity',
  metadata: { name: 'policy-test', namespace: NAMESPACE },
  storageClassName: 'policy-test',
  nodeTopology: { matchLabels: { [TOPOLOGY_KEY]: node } as Record<string, string> },
  capacity: '0',
})

export const nodeLocalStorage = (name: string, node: string) => ({
  apiVersion: 'loam.storage/v1alpha1',
  kind: 'NodeLocalStorage',
  metadata: { name },
  spec: { nodeName: node, storageClassName: 'policy-test', volumeGroup: 'policy-test', layout: 'linear' },
})

export const event = (controller: string, instance: string) => ({
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  metadata: { name: 'policy-test', namespace: 'default' },
  eventTime: '2026-01-01T00:00:00.000000Z',
  type: 'Normal',
  reason: 'PolicyTest',
  action: 'Test',
  regarding: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace: 'default', name: 'policy-ours' },
  reportingController: controller,
  reportingInstance: instance,
})

export const lease = (name: string) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace: NAMESPACE },
  spec: { holderIdentity: 'policy-test', leaseDurationSeconds: 60 },
})
