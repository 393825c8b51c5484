import type { Lab } from '../../lab/lab.ts'
import { agentPods, isPodReady, type PodObject } from '../../lab/loam/agent-pods.ts'
import { waitFor } from '../../lab/runtime/wait.ts'

const findAgent = async (lab: Lab, node: string): Promise<PodObject | undefined> =>
  (await agentPods(lab.api)).find(({ spec }) => spec.nodeName === node)

/** Deletes the agent's pod of a node, as an upgrade does, and waits until another one is Ready. */
export const replaceAgent = async (lab: Lab, node: string): Promise<void> => {
  const old = await findAgent(lab, node)
  if (old === undefined) throw new Error(`node ${node}: the agent has no pod`)
  const path = `/api/v1/namespaces/${old.metadata.namespace ?? ''}/pods/${old.metadata.name}`
  await lab.api.send({ method: 'DELETE', path })
  await waitFor({ what: `a new agent pod on ${node} to be Ready`, timeoutMs: 240_000 }, async () => {
    const now = await findAgent(lab, node)
    return now !== undefined && now.metadata.uid !== old.metadata.uid && isPodReady(now)
  })
}
