import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createKubeClient } from '../../../kube/client.ts'
import { kubeconfigConnection } from '../../../kube/kubeconfig-connection.ts'
import { PODS, STORAGE_CLASSES } from '../../../kube/resources.ts'
import { createTransport, type Transport } from '../../../kube/transport.ts'
import type { KubeClient, KubeObject } from '../../../kube/types.ts'
import { install, podOf, requestToken } from '../../cluster/daemonset/install.ts'
import { startApiServer, type ApiServer } from '../../cluster/kube/api-server.ts'
import { readAuditLog, type AuditEvent } from '../../cluster/support/audit-log.ts'

export const NODE_NAME = 'bench-node'
export const CLASS = 'bench'
const CLIENT = 'loam-bench'
const SECRETS = '/var/run/secrets/kubernetes.io/serviceaccount'
/** What binds claims, frees their volumes, and lets deleted ones go. */
const CONTROLLERS = [
  'persistentvolume-binder-controller',
  'persistentvolumeclaim-protection-controller',
  'persistentvolume-protection-controller',
]
/** Every write of everybody, Leases and events included, and no bodies. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [
    { level: 'Metadata', verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'] },
    { level: 'None' },
  ],
}

/** The control plane in this machine, Loam's manifests on it, and who looks at both. */
export interface Cluster {
  readonly server: ApiServer
  readonly transport: Transport
  readonly client: KubeClient
  /** The agent's pod: its token is where kubelet puts it. */
  readonly pod: KubeObject
  /** All writes so far, in the order in which they ended. */
  writes(): Promise<readonly AuditEvent[]>
  stop(): Promise<void>
}

/** The class of the bench, on one disk of the node. */
export const createClass = async ({ client }: Cluster, disk: string): Promise<void> => {
  await client.create<KubeObject & Record<string, unknown>>(STORAGE_CLASSES, {
    metadata: { name: CLASS },
    provisioner: 'loam.storage',
    volumeBindingMode: 'WaitForFirstConsumer',
    reclaimPolicy: 'Delete',
    parameters: { disks: JSON.stringify([{ nodes: [NODE_NAME], disks: [disk] }]) },
  })
}

export const startCluster = async (): Promise<Cluster> => {
  const server = await startApiServer({ controllers: CONTROLLERS, auditPolicy: AUDIT_POLICY })
  const connection = await kubeconfigConnection(server.kubeconfig)
  const transport = createTransport({ connection, userAgent: CLIENT })
  const client = createKubeClient(transport)
  const stop = async (): Promise<void> => {
    transport.close()
    await server.stop()
  }
  try {
    await install(client, [NODE_NAME])
    const pod = await client.create(PODS, podOf('loam-agent-bench', NODE_NAME, 'loam-agent'))
    await mkdir(SECRETS, { recursive: true })
    await writeFile(join(SECRETS, 'token'), await requestToken(transport, 'loam-agent', pod))
    await copyFile(join(server.directory, 'ca.crt'), join(SECRETS, 'ca.crt'))
    const writes = async () => readAuditLog(await readFile(server.auditLog, 'utf8'))
    return { server, transport, client, pod, writes, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
