import { down } from '../../lab/down.ts'
import type { Lab } from '../../lab/lab.ts'
import { labDirectory } from '../../lab/runtime/directory.ts'
import { silentProgress } from '../../lab/runtime/progress.ts'
import { up } from '../../lab/up.ts'
import { testLabDirectory } from './shared-lab.ts'

export interface OwnLabOptions {
  readonly name: string
  readonly nodes: number
  /** Of 256 MiB each. */
  readonly disks: number
}

/** Makes a lab without Loam for one test file alone. */
export const makeOwnLab = ({ name, nodes, disks }: OwnLabOptions): Promise<Lab> => {
  const directory = labDirectory(testLabDirectory(name))
  return up(directory, {
    nodes,
    disks: { count: disks, sizeBytes: 2 ** 28 },
    withLoam: false,
    environment: process.env,
    progress: silentProgress,
  })
}

/** Removes it, in whatever state a failed test has left it. */
export const removeOwnLab = (name: string): Promise<void> =>
  down(labDirectory(testLabDirectory(name)), process.env)
