import type { Lab } from '../lab.ts'
import type { ApiClient, KubeObject } from '../runtime/api.ts'
import { waitFor } from '../runtime/wait.ts'

export interface PodObject extends KubeObject {
  readonly spec: { readonly nodeName?: string }
  readonly status: {
    readonly phase: string
    readonly podIP?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses?: readonly {
      readonly lastState?: { readonly terminated?: { readonly exitCode: number } }
    }[]
  }
}

/** As daemonset/agent.yaml has them. */
const NAMESPACE = 'loam-system'
const SELECTOR = 'app.kubernetes.io/name=loam,app.kubernetes.io/component=agent'
const AGENTS_READY_WITHIN_MS = 300_000

export const isPodReady = ({ metadata, status }: PodObject): boolean =>
  metadata.deletionTimestamp === undefined &&
  status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') === true

/** The agent's pods of all nodes; none when Loam is not installed. */
export const agentPods = (api: ApiClient): Promise<readonly PodObject[]> =>
  api.list(`/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=${encodeURIComponent(SELECTOR)}`)

/** For people: `loam-agent-x7k2p on node1: Running, not ready`. */
export const describeAgent = (pod: PodObject): string => {
  const readiness = isPodReady(pod) ? 'ready' : 'not ready'
  return `${pod.metadata.name} on ${pod.spec.nodeName ?? 'no node'}: ${pod.status.phase}, ${readiness}`
}

/** Waits until every node has an agent that is Ready and is not among the `former` ones (by uid). */
export const waitForAgents = async (
  api: ApiClient,
  nodes: Lab['state']['nodes'],
  former: readonly PodObject[] = [],
): Promise<void> => {
  const formerUids = new Set(former.map(({ metadata }) => metadata.uid))
  const describe = async () => (await agentPods(api)).map(describeAgent).join('; ') || 'no pods'
  const what = 'an agent to be Ready on every node'
  await waitFor({ what, timeoutMs: AGENTS_READY_WITHIN_MS, describe }, async () => {
    const ready = (await agentPods(api)).filter((pod) => isPodReady(pod) && !formerUids.has(pod.metadata.uid))
    const served = new Set(ready.map(({ spec }) => spec.nodeName))
    return nodes.every(({ name }) => served.has(name))
  })
}

/** Deletes all of them; the DaemonSet makes new ones, from the image that the nodes have then. */
export const deleteAgents = async (api: ApiClient): Promise<readonly PodObject[]> => {
  const pods = await agentPods(api)
  const path = (pod: PodObject) => `/api/v1/namespaces/${NAMESPACE}/pods/${pod.metadata.name}`
  await Promise.all(pods.map((pod) => api.send({ method: 'DELETE', path: path(pod) })))
  return pods
}
