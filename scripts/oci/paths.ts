import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

export const repositoryRoot = resolve(import.meta.dirname, '../..')

/** Where things are kept that can be made again: LOAM_CACHE, else `loam` in the user's cache directory. */
export const cacheDirectory = (environment: NodeJS.ProcessEnv): string =>
  environment.LOAM_CACHE ?? join(environment.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'loam')
