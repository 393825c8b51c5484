import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Where programs and base disks are kept between labs, outside the checkout: LOAM_CACHE, or `loam` in the user's
 * cache directory (XDG Base Directory Specification).
 */
export const cacheDirectory = (environment: NodeJS.ProcessEnv): string =>
  environment.LOAM_CACHE ?? join(environment.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'loam')
