import { messageOf } from '../core/errors.ts'
import type { Credentials } from './connection.ts'
import { Unavailable } from './errors.ts'

/** kubelet replaces a token at 80 % of its life, which is 10 minutes at least, so a minute late is early enough. */
const MAX_AGE_MS = 60_000

/** Credentials that are read from their source at most once in `maxAgeMs`, and at once after `renew`. */
export interface CredentialsCache {
  readonly credentials: () => Promise<Credentials>
  readonly renew: () => void
}

/** `source` names, for the error message, what `read` reads. */
export const cacheCredentials = (
  source: string,
  read: () => Promise<Credentials>,
  maxAgeMs = MAX_AGE_MS,
): CredentialsCache => {
  let cached: { readonly read: Promise<Credentials>; readonly at: number } | undefined

  const readNow = async (): Promise<Credentials> => {
    try {
      return await read()
    } catch (error) {
      cached = undefined
      throw new Unavailable(source, `cannot be read: ${messageOf(error)}`, { cause: error })
    }
  }

  return {
    credentials: () => {
      const now = performance.now()
      if (cached === undefined || now - cached.at >= maxAgeMs) cached = { read: readNow(), at: now }
      return cached.read
    },
    renew: () => {
      cached = undefined
    },
  }
}
