import type { Lab } from '../lab.ts'
import { LabError } from '../vm/errors.ts'
import { agentPods } from './agent-pods.ts'

/** Log of the agent on a node, of its current container. */
export const agentLog = async (lab: Lab, node: string): Promise<string> => {
  const pod = (await agentPods(lab.api)).find(({ spec }) => spec.nodeName === node)
  if (pod === undefined)
    throw new LabError(`agent of node ${node}`, 'has no pod', { advice: 'is Loam installed in this lab?' })
  const { name, namespace = '' } = pod.metadata
  const { exitCode, stdout, stderr } = await lab.kubectl(['logs', '--namespace', namespace, name])
  if (exitCode !== 0) throw new LabError(`agent of node ${node}`, `its log cannot be read: ${stderr}`)
  return `${stdout}\n`
}
