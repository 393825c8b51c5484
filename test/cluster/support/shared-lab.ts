import { resolve } from 'node:path'
import { openLab, type Lab } from '../../lab/lab.ts'
import { labDirectory } from '../../lab/runtime/directory.ts'
import { createProgress } from '../../lab/runtime/progress.ts'
import { readState } from '../../lab/runtime/state.ts'
import { up } from '../../lab/up.ts'

/** A running lab of the developer's own, which tests use and leave standing; named by LOAM_LAB_DIR. */
const ownLabDirectory = (environment: NodeJS.ProcessEnv): string | undefined => environment.LOAM_LAB_DIR

/** Folder for labs that tests make. */
export const testLabDirectory = (name: string): string =>
  resolve(import.meta.dirname, `../../../.lab/test-${name}`)

const SHARED = { nodes: 3, disks: { count: 2, sizeBytes: 2 ** 30 }, withLoam: true }

/**
 * The lab with Loam that all test files share: three nodes with two disks of 1 GiB each. The first who asks makes it; the
 * hooks beside this file remove it when the last file has run.
 */
export const sharedLab = async (): Promise<Lab> => {
  const own = ownLabDirectory(process.env)
  if (own !== undefined) return openLab(own, process.env)
  const directory = labDirectory(testLabDirectory('shared'))
  if ((await readState(directory))?.complete === true) return openLab(directory.root, process.env)
  const progress = createProgress((line) => process.stderr.write(line))
  return up(directory, { ...SHARED, environment: process.env, progress })
}
