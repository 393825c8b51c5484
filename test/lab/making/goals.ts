import { describeBytes } from '../../../core/quantity.ts'
import { memoryOfLab } from '../runtime/memory.ts'
import { formatSeconds } from '../runtime/progress.ts'
import type { Making } from './making.ts'

/** Says how the lab compares with what it is meant to cost. */
export const reportGoals = async ({ lab, options }: Making): Promise<void> => {
  const { withLoam, nodes } = options
  const what = `${nodes} ${nodes === 1 ? 'node' : 'nodes'} Ready${withLoam ? ' with Loam' : ''}`
  const memory = describeBytes(BigInt(await memoryOfLab(lab.directory.namespace)))
  options.progress.note(
    `${what} after ${formatSeconds(options.progress.elapsedMs())} (goal: 3 nodes with Loam in 60 s)`,
  )
  options.progress.note(`Memory of all processes: ${memory} (goal: under 4 GiB)`)
}
