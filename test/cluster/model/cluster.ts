import { kubeconfigConnection } from '../../../kube/kubeconfig-connection.ts'
import { createKubeClient } from '../../../kube/client.ts'
import { createTransport } from '../../../kube/transport.ts'
import { startApiServer, type ApiServer } from '../kube/api-server.ts'
import { installDefinition } from '../kube/definition.ts'
import { startChronicles } from './chronicle.ts'
import type { Cluster } from './world.ts'

/** The parts of kube-controller-manager that a volume meets. */
const CONTROLLERS = [
  'persistentvolume-binder-controller',
  'persistentvolume-protection-controller',
  'persistentvolumeclaim-protection-controller',
]

/** An API server with these controllers and the CRD. */
export const startModelServer = async (): Promise<ApiServer> => {
  const server = await startApiServer({ controllers: CONTROLLERS })
  const transport = createTransport({ connection: await kubeconfigConnection(server.kubeconfig) })
  await installDefinition(createKubeClient(transport)).finally(() => transport.close())
  return server
}

/** What a test file runs its sequences on. */
export interface ModelCluster {
  readonly cluster: Cluster
  readonly stop: () => Promise<void>
}

/** Starts a cluster; or uses the one whose kubeconfig LOAM_MODEL_KUBECONFIG names, which outlives the test. */
export const startModelCluster = async (): Promise<ModelCluster> => {
  const given = process.env.LOAM_MODEL_KUBECONFIG
  const server = given === undefined ? await startModelServer() : undefined
  const upstream = await kubeconfigConnection(given ?? server?.kubeconfig ?? '')
  const transport = createTransport({ connection: upstream })
  const ending = new AbortController()
  const chronicles = await startChronicles(transport, ending.signal)
  return {
    cluster: { client: createKubeClient(transport), upstream, chronicles },
    stop: async () => {
      ending.abort()
      transport.close()
      await server?.stop()
    },
  }
}
