import { inClusterConnection } from '../kube/in-cluster.ts'
import type { Connection } from '../kube/connection.ts'
import { kubeconfigConnection } from '../kube/kubeconfig-connection.ts'
import { InvalidConfig, type Config, type Environment } from './config.ts'

/** The API server as the environment names it: a kubeconfig file, or the Service that every pod is told of. */
export const connect = async (config: Config, environment: Environment): Promise<Connection> => {
  if (config.kubeconfigPath !== undefined) return kubeconfigConnection(config.kubeconfigPath)
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment
  if (host === undefined || port === undefined) {
    throw new InvalidConfig(
      'environment of the agent',
      'neither KUBECONFIG nor KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are set',
    )
  }
  return inClusterConnection({ host, port })
}
