import { down } from '../down.ts'
import type { LabDirectory } from '../runtime/directory.ts'
import { isAlive, ownRecord, recordedProcesses } from '../runtime/processes.ts'
import { isBeingMade, readState, type LabState } from '../runtime/state.ts'
import { LabError } from '../vm/errors.ts'
import type { UpOptions } from './making.ts'

/** Refuses a directory with a lab that is in use; clears one that was left half made. */
export const makeRoom = async (
  directory: LabDirectory,
  { environment, progress }: UpOptions,
): Promise<void> => {
  const state = await readState(directory)
  const object = `lab in ${directory.root}`
  if (state !== undefined && (await isBeingMade(state)))
    throw new LabError(object, `is being made by process ${state.maker.pid}`)
  const records = await recordedProcesses(directory.processes)
  const running = (await Promise.all(records.map(isAlive))).some(Boolean)
  if (state?.complete === true && running)
    throw new LabError(object, 'is up already', { advice: 'use it, or run scripts/lab down first' })
  if (state !== undefined) progress.note(`Clearing what is left of an earlier lab in ${directory.root}`)
  await down(directory, environment)
}

/** State of a lab that is about to be made by this process. */
export const initialState = async ({ nodes, disks, withLoam }: UpOptions): Promise<LabState> => ({
  nodes: Array.from({ length: nodes }, (_, index) => ({ name: `node${index + 1}`, number: index + 1 })),
  disks: Array.from({ length: disks.count }, (_, index) => ({
    name: String.fromCharCode('a'.charCodeAt(0) + index),
    sizeBytes: disks.sizeBytes,
  })),
  withLoam,
  maker: await ownRecord(),
  complete: false,
})
