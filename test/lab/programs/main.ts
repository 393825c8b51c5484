import { messageOf } from '../../../core/errors.ts'
import { createProgress } from '../runtime/progress.ts'
import { ensurePrograms } from './build.ts'
import { LAB_PROGRAMS } from './catalog.ts'

/** Builds the programs named on the command line, or those that every lab needs, and prints where each is. */
const names = process.argv.length > 2 ? process.argv.slice(2) : LAB_PROGRAMS
const progress = createProgress((line) => process.stderr.write(line))
try {
  const programs = await ensurePrograms(names, process.env, progress)
  for (const [name, path] of Object.entries(programs)) console.log(`${name}\t${path}`)
} catch (error) {
  console.error(messageOf(error))
  process.exitCode = 1
}
