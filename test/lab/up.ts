import { makeControlPlaneFiles, startControlPlane } from './control-plane/start.ts'
import { labOf, type Lab } from './lab.ts'
import { waitForAgents } from './loam/agent-pods.ts'
import { baseKeyOf } from './loam/image.ts'
import { applyManifests } from './loam/install.ts'
import { reportGoals } from './making/goals.ts'
import type { Making, NodeImages, UpOptions } from './making/making.ts'
import { bootNodes, prepareImages } from './making/nodes.ts'
import { initialState, makeRoom } from './making/room.ts'
import { makeNetwork } from './node/network.ts'
import { waitForNode } from './node/ready.ts'
import { ensurePrograms } from './programs/build.ts'
import { LAB_PROGRAMS } from './programs/catalog.ts'
import { makeDirectories, type LabDirectory } from './runtime/directory.ts'
import { writeState } from './runtime/state.ts'
import type { Vm } from './vm/types.ts'

/** Takes the directory and finds the programs. */
const begin = async (directory: LabDirectory, options: UpOptions): Promise<Making> => {
  await makeRoom(directory, options)
  await makeDirectories(directory)
  const state = await initialState(options)
  await writeState(directory, state)
  const programs = await ensurePrograms(LAB_PROGRAMS, options.environment, options.progress)
  return { lab: labOf(directory, state, options.environment), options, programs }
}

const startMachines = async (making: Making): Promise<readonly [NodeImages, readonly Vm[]]> => {
  const images = await prepareImages(making)
  return [images, await bootNodes(making, images)]
}

const waitUntilReady = async ({ lab, options }: Making, vms: readonly Vm[]): Promise<void> => {
  const { withLoam, progress } = options
  const { api, state } = lab
  if (withLoam) await progress.phase('Loam: installed', () => applyManifests(lab))
  await Promise.all(vms.map((vm) => progress.phase(`${vm.name}: Ready`, () => waitForNode(api, vm))))
  if (withLoam) await progress.phase('Loam: agents Ready', () => waitForAgents(api, state.nodes))
}

const finish = async ({ lab, options }: Making, { agent }: NodeImages): Promise<Lab> => {
  const base = agent === undefined ? {} : { agentBase: await baseKeyOf(agent) }
  const state = { ...lab.state, ...base, complete: true }
  await writeState(lab.directory, state)
  return labOf(lab.directory, state, options.environment)
}

/**
 * Makes a lab and waits until its nodes, and Loam's agents on them, are Ready. After a failure all that was made so far
 * is still there to be looked at; `down` removes it.
 */
export const up = async (directory: LabDirectory, options: UpOptions): Promise<Lab> => {
  const making = await begin(directory, options)
  const { lab, programs } = making
  await makeNetwork(directory, lab.state.nodes)
  await makeControlPlaneFiles(directory)
  const startControl = () => startControlPlane(directory, programs, lab.api)
  const [[images, vms]] = await Promise.all([
    startMachines(making),
    options.progress.phase('control plane: ready', startControl),
  ])
  await waitUntilReady(making, vms)
  await reportGoals(making)
  return finish(making, images)
}
