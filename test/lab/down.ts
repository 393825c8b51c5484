import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheDirectory } from './programs/cache.ts'
import type { LabDirectory } from './runtime/directory.ts'
import { removeNetwork } from './vm/network.ts'

/** What a base disk leaves in the cache when its making was cut short carries the lab's namespace in its name. */
const removeUnfinished = async (
  { namespace }: LabDirectory,
  environment: NodeJS.ProcessEnv,
): Promise<void> => {
  const folder = join(cacheDirectory(environment), 'base-disks')
  const files = await readdir(folder).catch(() => [])
  const unfinished = files.filter((file) => file.endsWith(`.${namespace}`))
  await Promise.all(unfinished.map((file) => rm(join(folder, file), { force: true })))
}

/**
 * Ends the lab of that directory and removes all it made, in whatever state it is. Everything a lab starts runs in its
 * namespace, whose name comes from the directory alone, so nothing recorded is needed to find it.
 */
export const down = async (directory: LabDirectory, environment: NodeJS.ProcessEnv): Promise<void> => {
  await removeNetwork(directory.namespace)
  await removeUnfinished(directory, environment)
  await rm(directory.root, { recursive: true, force: true })
}
