import {
  AlreadyExists,
  Conflict,
  Forbidden,
  Gone,
  Invalid,
  NotFound,
  Rejected,
  TooManyRequests,
  Unauthorized,
  Unavailable,
  type KubeError,
} from './errors.ts'

/** The parts of a `Status` that Loam reads (k8s.io/apimachinery, pkg/apis/meta/v1, "Status"). */
export interface Status {
  readonly code?: number
  readonly reason?: string
  readonly message?: string
  readonly details?: { readonly retryAfterSeconds?: number }
  /** With 410 on a list: a token that goes on from the same place at the newest version. */
  readonly metadata?: { readonly continue?: string }
}

type KubeErrorClass = new (...args: ConstructorParameters<typeof Gone>) => KubeError

const CLASS_OF_STATUS: Readonly<Record<number, KubeErrorClass>> = {
  401: Unauthorized,
  403: Forbidden,
  404: NotFound,
  409: Conflict,
  410: Gone,
  422: Invalid,
  429: TooManyRequests,
}

const ADVICE_OF_STATUS: Readonly<Record<number, string>> = {
  401: 'the token or client certificate is not accepted: see that the service account still exists',
  403: 'see the ClusterRole, Role and admission policies of this service account',
}

/** The API server itself asks for seconds. A proxy's day, or a number beyond what a timer holds, must not make us deaf. */
const MAX_RETRY_AFTER_MS = 600_000

const classOf = (code: number, reason: string | undefined): KubeErrorClass => {
  if (reason === 'AlreadyExists') return AlreadyExists
  if (reason === 'Expired' || reason === 'Gone') return Gone
  // A path that the server does not serve (no such CRD) or a proxy's own 404 must not read as "the object is gone".
  if (code === 404 && reason !== 'NotFound') return Rejected
  return CLASS_OF_STATUS[code] ?? (code >= 400 && code < 500 ? Rejected : Unavailable)
}

/**
 * The typed error of a refusal. `object` names what the request was about; `retryAfterHeader` is the HTTP header, in
 * seconds, which counts before the body's.
 */
export const errorOfStatus = (
  object: string,
  code: number,
  status: Status,
  retryAfterHeader?: string,
): KubeError => {
  const retryAfterSeconds = Number(retryAfterHeader ?? status.details?.retryAfterSeconds)
  const advice = ADVICE_OF_STATUS[code]
  const KubeErrorOfCode = classOf(code, status.reason)
  return new KubeErrorOfCode(object, `the API server answered ${code}: ${status.message ?? 'no message'}`, {
    status: code,
    ...(Number.isFinite(retryAfterSeconds)
      ? { retryAfterMs: Math.min(retryAfterSeconds * 1000, MAX_RETRY_AFTER_MS) }
      : {}),
    ...(advice === undefined ? {} : { advice }),
    ...(status.metadata?.continue === undefined ? {} : { continueToken: status.metadata.continue }),
  })
}
