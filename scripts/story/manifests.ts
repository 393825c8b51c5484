import { stringify } from 'yaml'
import { BUSYBOX_IMAGE } from '../../test/lab/images/names.ts'

export const NAMESPACE = 'demo'
export const CLASS = 'demo'
export const VOLUME_GROUP = `loam-${CLASS}`

/** The disks as JSON in a string: a StorageClass has no other kind of parameter. */
export const storageClass = (
  disks: readonly { nodes: readonly string[]; disks: readonly string[] }[],
): string =>
  stringify({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: CLASS },
    provisioner: 'loam.storage',
    volumeBindingMode: 'WaitForFirstConsumer',
    parameters: { disks: JSON.stringify(disks, null, 1) },
  })

export const claim = (name: string, size: string): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      storageClassName: CLASS,
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: size } },
    },
  })

const preferring = (node: string) => {
  const preference = { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }
  return { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference }] } }
}

/** A pod that sleeps, with a claim of its own name at /data; it prefers a node, and may run on any. */
export const pod = (name: string, preferredNode: string): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      affinity: preferring(preferredNode),
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'main',
          image: BUSYBOX_IMAGE,
          imagePullPolicy: 'Never',
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
    },
  })
