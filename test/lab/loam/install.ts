import { resolve } from 'node:path'
import { loadImage } from '../images/load.ts'
import type { Lab } from '../lab.ts'
import type { Progress } from '../runtime/progress.ts'
import { writeState } from '../runtime/state.ts'
import { LabError } from '../vm/errors.ts'
import { deleteAgents, waitForAgents } from './agent-pods.ts'
import { baseKeyOf, buildAgentImage, type AgentImage } from './image.ts'

const MANIFESTS = resolve(import.meta.dirname, '../../../daemonset')

/** What a user does: `kubectl apply -k daemonset`. The nodes must have the image by then. */
export const applyManifests = async (lab: Lab): Promise<void> => {
  const { exitCode, stderr } = await lab.kubectl(['apply', '--kustomize', MANIFESTS])
  if (exitCode !== 0) throw new LabError('daemonset/', `kubectl apply -k failed: ${stderr}`)
}

/** The whole image only when what lies below the agent has changed: a node needs most of a minute for it. */
const loadAgent = async (lab: Lab, image: AgentImage): Promise<void> => {
  const agentBase = await baseKeyOf(image)
  const isThere = agentBase === lab.state.agentBase
  await loadImage(lab, isThere ? image.delta : image.archive)
  if (!isThere) await writeState(lab.directory, { ...lab.state, agentBase })
}

/** The Deployment makes new pods, from the image that the nodes have then; nobody waits for them. */
const replaceScheduler = async (lab: Lab): Promise<void> => {
  const pods = ['pods', '--namespace', 'loam-system', '--selector', 'app.kubernetes.io/component=scheduler']
  const { exitCode, stderr } = await lab.kubectl(['delete', ...pods, '--wait=false'])
  if (exitCode !== 0) throw new LabError('pods of loam-scheduler', `cannot be deleted: ${stderr}`)
}

/** Builds the agent anew and runs it on every node, with the manifests as they are now. */
export const reload = async (lab: Lab, progress: Progress): Promise<void> => {
  const image = await progress.phase('agent image: built', buildAgentImage)
  await progress.phase('agent image: on every node', () => loadAgent(lab, image))
  await progress.phase('Loam: installed', () => applyManifests(lab))
  const former = await deleteAgents(lab.api)
  await replaceScheduler(lab)
  await progress.phase('Loam: new agents Ready', () => waitForAgents(lab.api, lab.state.nodes, former))
}
