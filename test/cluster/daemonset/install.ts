import { NAMESPACES, NODES } from '../../../kube/resources.ts'
import type { Transport } from '../../../kube/transport.ts'
import type { KubeClient, KubeObject, ResourceType } from '../../../kube/types.ts'
import { eventually } from '../../support/eventually.ts'
import { readDaemonset, readManifests, type Manifest } from '../../support/manifests.ts'
import { NAMESPACE } from './objects.ts'

export const SERVICE_ACCOUNTS: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'serviceaccounts',
  kind: 'ServiceAccount',
  namespaced: true,
}
const PLURALS: Readonly<Record<string, string>> = {
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
}

const typeOf = ({ apiVersion, kind, metadata }: Manifest): ResourceType => {
  const [version = '', group = ''] = apiVersion.split('/').reverse()
  const plural = PLURALS[kind] ?? `${kind.toLowerCase()}s`
  return { group, version, plural, kind, namespaced: metadata.namespace !== undefined }
}

export const createAll = async (client: KubeClient, manifests: readonly Manifest[]): Promise<void> => {
  for (const manifest of manifests) await client.create(typeOf(manifest), manifest)
}

/** A pod that kubelet would run on the node: tokens are bound to it. */
export const podOf = (
  name: string,
  node: string,
  serviceAccountName: string,
): KubeObject & { spec: unknown } => ({
  metadata: { namespace: NAMESPACE, name },
  spec: { nodeName: node, serviceAccountName, containers: [{ name: 'agent', image: 'agent' }] },
})

/** Puts Loam's manifests, but for those that are left out, and these Nodes on an API server without controllers. */
export const install = async (
  client: KubeClient,
  nodes: readonly string[],
  leaveOut: (manifest: Manifest) => boolean = () => false,
): Promise<void> => {
  const manifests = [...(await readManifests('crd/nodelocalstorages.yaml')), ...(await readDaemonset())]
  await createAll(
    client,
    manifests.filter((manifest) => !leaveOut(manifest)),
  )
  for (const name of nodes) await client.create(NODES, { metadata: { name } })
  await eventually('there is the namespace of the cluster', () =>
    client.get(NAMESPACES, { name: 'kube-system' }),
  )
  // Of a whole cluster, the controller manager makes the one that is called "default".
  await client.create(SERVICE_ACCOUNTS, { metadata: { namespace: 'default', name: 'default' } })
}

/** A token of a service account in Loam's namespace, bound to a pod as kubelet gets it when one is given. */
export const requestToken = async (
  transport: Transport,
  serviceAccount: string,
  pod?: KubeObject,
): Promise<string> => {
  const { name, uid } = pod?.metadata ?? {}
  const boundObjectRef = pod === undefined ? undefined : { apiVersion: 'v1', kind: 'Pod', name, uid }
  const answer = await transport.json({
    method: 'POST',
    path: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${serviceAccount}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { boundObjectRef, expirationSeconds: 3600 },
    },
    object: `token of ${serviceAccount}`,
  })
  return (answer as { status: { token: string } }).status.token
}
