import { LoamError } from '../core/errors.ts'
import type { Connection } from './connection.ts'
import { inClusterConnection } from './in-cluster.ts'
import { kubeconfigConnection } from './kubeconfig-connection.ts'

class NoApiServer extends LoamError {
  override readonly reason = 'NoApiServer'
}

/** The API server as the environment names it: a kubeconfig file, or the Service that every pod is told of. @throws NoApiServer */
export const connect = async (
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Connection> => {
  const { KUBECONFIG, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment
  if (KUBECONFIG !== undefined) return kubeconfigConnection(KUBECONFIG)
  if (host !== undefined && port !== undefined) return inClusterConnection({ host, port })
  throw new NoApiServer(
    'environment',
    'neither KUBECONFIG nor KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are set',
  )
}
