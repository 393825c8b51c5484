import { join } from 'node:path'
import { baseDisk } from '../images/base-disk.ts'
import { BASIC_IMAGES } from '../images/busybox.ts'
import { loadImage } from '../images/load.ts'
import { baseImageOf, buildAgentImage, type AgentImage } from '../loam/image.ts'
import { prepareNode, vmOptionsOf, type NodeRequest } from '../node/node.ts'
import { cacheDirectory } from '../programs/cache.ts'
import type { Vm } from '../vm/types.ts'
import { startVm } from '../vm/vm.ts'
import type { Making, NodeImages } from './making.ts'

/** Gives the file that holds the nodes' images; makes it when these images were never on one before. */
const prepareBaseDisk = async (making: Making, agent: AgentImage | undefined): Promise<string> => {
  const { lab, options, programs } = making
  const { directory } = lab
  const disk = await baseDisk({
    images: agent === undefined ? BASIC_IMAGES : [...BASIC_IMAGES, baseImageOf(agent)],
    programs,
    cache: cacheDirectory(options.environment),
    workspace: join(directory.root, 'base-disk'),
    namespace: directory.namespace,
    records: directory.processes,
  })
  if (!disk.isCached) await options.progress.phase(`base disk: made (once, ${disk.file})`, disk.ensure)
  return disk.file
}

/** Builds the agent's image, when the lab is to have Loam, and what the nodes boot with. */
export const prepareImages = async (making: Making): Promise<NodeImages> => {
  const { withLoam, progress } = making.options
  const agent = withLoam ? await progress.phase('agent image: built', buildAgentImage) : undefined
  return { agent, baseDisk: await prepareBaseDisk(making, agent) }
}

const bootNode = async (
  { lab, options }: Making,
  { agent }: NodeImages,
  request: NodeRequest,
): Promise<Vm> => {
  const { node } = request
  const { phase } = options.progress
  await prepareNode(request)
  const vm = await phase(`${node.name}: booted`, () => startVm(vmOptionsOf(request)))
  if (agent !== undefined)
    await phase(`${node.name}: agent image there`, () => loadImage(lab, agent.delta, [node]))
  return vm
}

/** Boots all nodes at once. They ask for their API server until it is there, and need no more than its certificates. */
export const bootNodes = (making: Making, images: NodeImages): Promise<readonly Vm[]> => {
  const { lab, programs } = making
  const { directory, state } = lab
  const shared = { directory, disks: state.disks, programs, baseDisk: images.baseDisk }
  return Promise.all(state.nodes.map((node) => bootNode(making, images, { ...shared, node })))
}
