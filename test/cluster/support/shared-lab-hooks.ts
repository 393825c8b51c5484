import { down } from '../../lab/down.ts'
import { labDirectory } from '../../lab/runtime/directory.ts'
import { testLabDirectory } from './shared-lab.ts'

const removeSharedLab = () => down(labDirectory(testLabDirectory('shared')), process.env)

/** Mocha calls these before the first file and after the last; a lab left by a run that was killed goes first. */
export const mochaGlobalSetup = removeSharedLab
export const mochaGlobalTeardown = removeSharedLab
