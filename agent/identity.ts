import { LoamError } from '../core/errors.ts'
import { NAMESPACES } from '../kube/resources.ts'
import type { KubeClient, KubeObject } from '../kube/types.ts'
import type { Config } from './config.ts'
import type { Identity } from './ports.ts'

class NoClusterId extends LoamError {
  override readonly reason = 'NoClusterId'
}

/**
 * Who this agent is. A cluster has no name of its own; the UID of its kube-system namespace lives as long as it does
 * and is what the field uses in its place.
 */
export const readIdentity = async (client: KubeClient, config: Config): Promise<Identity> => {
  const namespace = await client.get<KubeObject>(NAMESPACES, { name: 'kube-system' })
  const clusterId = namespace?.metadata.uid
  if (clusterId === undefined) {
    throw new NoClusterId('Namespace "kube-system"', 'does not exist, and its UID names the cluster')
  }
  return { nodeName: config.nodeName, namespace: config.namespace, clusterId }
}
