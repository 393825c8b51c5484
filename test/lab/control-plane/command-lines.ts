import { join } from 'node:path'
import { API_SERVER_PORT, HOST_ADDRESS, POD_RANGE, SERVICE_RANGE } from '../addresses.ts'
import { kubeconfigOf, type LabDirectory } from '../runtime/directory.ts'

const ETCD_CLIENT = 'http://127.0.0.1:2379'
const ETCD_PEER = 'http://127.0.0.1:2380'

export const etcdArguments = (directory: LabDirectory): string[] => [
  `--data-dir=${join(directory.controlPlane, 'etcd')}`,
  `--listen-client-urls=${ETCD_CLIENT}`,
  `--advertise-client-urls=${ETCD_CLIENT}`,
  `--listen-peer-urls=${ETCD_PEER}`,
  // The control plane is never cut: its data need not outlive the machine.
  '--unsafe-no-fsync',
  '--log-level=warn',
]

export const apiServerArguments = (directory: LabDirectory): string[] => {
  const pki = (file: string) => join(directory.pki, file)
  return [
    `--etcd-servers=${ETCD_CLIENT}`,
    `--advertise-address=${HOST_ADDRESS}`,
    '--bind-address=0.0.0.0',
    `--secure-port=${API_SERVER_PORT}`,
    `--tls-cert-file=${pki('apiserver.crt')}`,
    `--tls-private-key-file=${pki('apiserver.key')}`,
    `--client-ca-file=${pki('ca.crt')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${pki('service-account.key')}`,
    `--service-account-signing-key-file=${pki('service-account.key')}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    `--service-cluster-ip-range=${SERVICE_RANGE}`,
    '--allow-privileged=true',
    `--kubelet-client-certificate=${pki('kubelet-client.crt')}`,
    `--kubelet-client-key=${pki('kubelet-client.key')}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--audit-policy-file=${join(directory.controlPlane, 'audit-policy.json')}`,
    `--audit-log-path=${directory.auditLog}`,
    // One file for the life of the lab, written before the answer is sent: a test reads what it has just caused.
    '--audit-log-maxsize=10000',
    '--audit-log-mode=blocking',
  ]
}

export const controllerManagerArguments = (directory: LabDirectory): string[] => [
  `--kubeconfig=${kubeconfigOf(directory, 'controller-manager')}`,
  `--service-account-private-key-file=${join(directory.pki, 'service-account.key')}`,
  `--root-ca-file=${join(directory.pki, 'ca.crt')}`,
  '--use-service-account-credentials',
  '--leader-elect=false',
  `--cluster-cidr=${POD_RANGE}`,
  '--controllers=*,-node-ipam-controller',
  // Half of the default, so that a test need not wait 40 s to see that a node is gone.
  '--node-monitor-grace-period=20s',
]

export const schedulerConfigFile = (directory: LabDirectory): string =>
  join(directory.controlPlane, 'scheduler.json')

/** A file and not flags, because extenders can only be named in a file. */
export const schedulerConfig = (directory: LabDirectory): object => ({
  apiVersion: 'kubescheduler.config.k8s.io/v1',
  kind: 'KubeSchedulerConfiguration',
  clientConnection: { kubeconfig: kubeconfigOf(directory, 'scheduler') },
  leaderElection: { leaderElect: false },
})

/** Serves the API, as administrator, on a unix socket: sockets in the file system cross network namespaces. */
export const apiProxyArguments = (directory: LabDirectory): string[] => [
  'proxy',
  `--kubeconfig=${kubeconfigOf(directory, 'admin')}`,
  `--unix-socket=${directory.apiSocket}`,
  // Without it the proxy refuses paths such as /api/v1/…/pods/NAME/exec.
  '--reject-paths=^$',
]
