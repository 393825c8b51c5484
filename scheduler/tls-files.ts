import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSecureContext } from 'node:tls'
import { LoamError, messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'

/** The names are those of a Secret of type kubernetes.io/tls, and of what cert-manager adds to it. */
const NAMES = { cert: 'tls.crt', key: 'tls.key', ca: 'ca.crt' } as const

type Texts = Readonly<Record<keyof typeof NAMES, string>>

/** What a server shows and whom it believes. `cert`, `key` and `ca` are options of Node's TLS; all are PEM. */
export interface TlsFiles extends Texts {
  readonly validFromMs: number
  /** The first moment at which clients do not accept the certificate any more. */
  readonly expiresAtMs: number
}

/** A file that a TLS server needs is not there, or is not what it should be. */
export class InvalidTlsFiles extends LoamError {
  override readonly reason = 'InvalidTlsFiles'
}

interface FollowOptions {
  readonly directory: string
  /** What the server has now. */
  readonly inUse: TlsFiles
  readonly everyMs: number
  /** Takes new files. When it throws, those before count as being in use still. */
  readonly onChange: (files: TlsFiles) => void
  readonly log: Logger
  readonly signal?: AbortSignal
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

export interface TlsFollower {
  /** What makes clients turn away: the certificate in use has expired. Files that were not taken are none. */
  problem(): string | undefined
  /** When the certificate in use expires, in milliseconds since 1970. */
  expiresAtMs(): number
  /** Nothing is taken after it. */
  stop(): void
}

const ADVICE = 'see the Secret that is mounted there; scripts/certificates makes all three files'

/** In its last tenth nobody is about to renew a certificate any more. */
const LATE = 0.1

const timeOf = (ms: number): string => new Date(ms).toISOString()

const fault = (directory: string, file: keyof Texts, what: string, cause?: unknown): InvalidTlsFiles =>
  new InvalidTlsFiles(`file "${join(directory, NAMES[file])}"`, what, { advice: ADVICE, cause })

/**
 * kubelet swaps the files of a mounted Secret all at once, by a link to their folder (pkg/volume/util, AtomicWriter). Read through
 * the folder and not through the link they belong together.
 */
const folderOf = (directory: string): Promise<string> =>
  realpath(join(directory, '..data')).catch(() => directory)

const readTexts = async (directory: string): Promise<Texts> => {
  const folder = await folderOf(directory)
  const read = (file: keyof Texts): Promise<string> =>
    readFile(join(folder, NAMES[file]), 'utf8').catch((error: unknown) => {
      throw fault(directory, file, `it cannot be read: ${messageOf(error)}`, error)
    })
  try {
    const [cert, key, ca] = await Promise.all([read('cert'), read('key'), read('ca')])
    return { cert, key, ca }
  } catch (error) {
    // swapped meanwhile, and the folder before was removed
    if ((await folderOf(directory)) !== folder) return readTexts(directory)
    throw error
  }
}

const checked = (directory: string, texts: Texts, nowMs: number): TlsFiles => {
  const attempt = <Made>(file: keyof Texts, what: string, make: () => Made): Made => {
    try {
      return make()
    } catch (error) {
      throw fault(directory, file, `${what}: ${messageOf(error)}`, error)
    }
  }
  const leaf = attempt('cert', 'it is not a certificate in PEM', () => new X509Certificate(texts.cert))
  const key = attempt('key', 'it is not a private key in PEM that needs no passphrase', () =>
    createPrivateKey(texts.key),
  )
  if (!leaf.checkPrivateKey(key)) throw fault(directory, 'key', `it does not belong to ${NAMES.cert}`)
  const authorities = texts.ca.match(/-----BEGIN [^-]+-----[^-]*-----END [^-]+-----/g) ?? [texts.ca]
  for (const authority of authorities)
    attempt('ca', 'it is not made of certificates in PEM', () => new X509Certificate(authority))
  const [validFromMs, expiresAtMs] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()]
  if (expiresAtMs <= nowMs) throw fault(directory, 'cert', `it expired at ${timeOf(expiresAtMs)}`)
  attempt('cert', 'OpenSSL does not take it', () => createSecureContext(texts))
  return { ...texts, validFromMs, expiresAtMs }
}

/**
 * Reads `tls.crt`, `tls.key` and `ca.crt` of a directory. `ca.crt` may hold several authorities, `tls.crt` a chain.
 * Not looked at: whether the certificate is for a server, which names it has, and whether it is valid already.
 * @throws InvalidTlsFiles naming the file and what is wrong with it
 */
export const loadTlsFiles = async (directory: string, nowMs = Date.now()): Promise<TlsFiles> =>
  checked(directory, await readTexts(directory), nowMs)

const identityOf = ({ cert, key, ca }: Texts): string => JSON.stringify([cert, key, ca])

/**
 * Looks at the contents every so often: kubelet replaces a mounted Secret by swapping a symlink, which events of the
 * file system do not survive. Files that are not good, or not all of them new yet, are not taken, and the log says so
 * once. Never fails.
 */
export const followTlsFiles = (options: FollowOptions): TlsFollower => {
  const { directory, everyMs, onChange, log, now = Date.now } = options
  const stopping = new AbortController()
  const signal = AbortSignal.any([stopping.signal, ...(options.signal === undefined ? [] : [options.signal])])
  let { inUse } = options
  let seen = identityOf(inUse)
  let warnedOf: TlsFiles | undefined

  const take = (texts: Texts | InvalidTlsFiles): void => {
    const identity = texts instanceof InvalidTlsFiles ? texts.message : identityOf(texts)
    if (identity === seen) return
    seen = identity
    try {
      if (texts instanceof InvalidTlsFiles) throw texts
      if (identity === identityOf(inUse)) return
      const files = checked(directory, texts, now())
      onChange(files)
      inUse = files
      log.info('new TLS files are in use', { directory, expiresAt: timeOf(files.expiresAtMs) })
    } catch (error) {
      log.warn('TLS files were not taken, those before stay in use', { directory, error })
    }
  }
  const warnWhenLate = (): void => {
    const { validFromMs, expiresAtMs } = inUse
    if (warnedOf === inUse || expiresAtMs - now() > (expiresAtMs - validFromMs) * LATE) return
    warnedOf = inUse
    log.warn('certificate expires and has not been renewed', { directory, expiresAt: timeOf(expiresAtMs) })
  }
  const follow = async (): Promise<void> => {
    for (;;) {
      warnWhenLate()
      await sleep(everyMs, undefined, { signal, ref: false })
      const texts = await readTexts(directory).catch((error: unknown) => error as InvalidTlsFiles)
      signal.throwIfAborted()
      take(texts)
    }
  }
  // ends by its signal only
  follow().catch(() => undefined)
  return {
    problem: () =>
      inUse.expiresAtMs > now()
        ? undefined
        : `the certificate in ${directory} expired at ${timeOf(inUse.expiresAtMs)}`,
    expiresAtMs: () => inUse.expiresAtMs,
    stop: () => stopping.abort(),
  }
}
