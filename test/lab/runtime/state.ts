import { readFile, rename, writeFile } from 'node:fs/promises'
import type { LabDirectory } from './directory.ts'
import { isAlive, type ProcessRecord } from './processes.ts'

export interface NodeState {
  readonly name: string
  /** From 1; gives the node its addresses. */
  readonly number: number
}

/** What was asked for when the lab was made, and how far that got. */
export interface LabState {
  readonly nodes: readonly NodeState[]
  readonly disks: readonly { readonly name: string; readonly sizeBytes: number }[]
  readonly withLoam: boolean
  /** Key of the layers below the agent's own that the nodes have; see loam/image.ts. Absent without Loam. */
  readonly agentBase?: string
  /** The process that makes the lab; while it lives and `complete` is false, nobody else may touch the directory. */
  readonly maker: ProcessRecord
  readonly complete: boolean
}

export const writeState = async ({ stateFile }: LabDirectory, state: LabState): Promise<void> => {
  await writeFile(`${stateFile}.new`, JSON.stringify(state, undefined, 2))
  await rename(`${stateFile}.new`, stateFile)
}

/** Undefined when there is no lab in the directory. */
export const readState = async ({ stateFile }: LabDirectory): Promise<LabState | undefined> => {
  try {
    return JSON.parse(await readFile(stateFile, 'utf8')) as LabState
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export const isBeingMade = async (state: LabState): Promise<boolean> =>
  !state.complete && state.maker.pid !== process.pid && (await isAlive(state.maker))
