import { LoamError } from '../core/errors.ts'

interface KubeErrorOptions {
  readonly advice?: string
  readonly cause?: unknown
  readonly status?: number
  readonly retryAfterMs?: number
  readonly continueToken?: string
}

/** Base of what the API server, or the way to it, can answer. One class for each decision a caller can take. */
export abstract class KubeError extends LoamError {
  /** HTTP status, or undefined when no answer came. */
  readonly status: number | undefined
  /** How long the server asks its clients to wait before they try again. */
  readonly retryAfterMs: number | undefined

  constructor(object: string, what: string, options: KubeErrorOptions = {}) {
    super(object, what, options)
    this.status = options.status
    this.retryAfterMs = options.retryAfterMs
  }
}

/** 404 of the object itself. A kind that the server does not serve is Rejected. */
export class NotFound extends KubeError {
  readonly reason = 'NotFound'
}

/** 409 on create: an object of that name is there already. */
export class AlreadyExists extends KubeError {
  readonly reason = 'AlreadyExists'
}

/** 409 on a write: the object is not the one, or not the version, that was decided upon. Decide again from a fresh read. */
export class Conflict extends KubeError {
  readonly reason = 'Conflict'
}

/** 401: the server does not accept our credentials, also after they were read again. */
export class Unauthorized extends KubeError {
  readonly reason = 'Unauthorized'
}

/** 403: RBAC or an admission webhook says no. Trying again helps only after an administrator changed something. */
export class Forbidden extends KubeError {
  readonly reason = 'Forbidden'
}

/** 422: the object breaks a rule of its schema or of a ValidatingAdmissionPolicy; the message names it. */
export class Invalid extends KubeError {
  readonly reason = 'Invalid'
}

/** 410: the version asked for has been forgotten by the server: list again. */
export class Gone extends KubeError {
  readonly reason = 'Gone'
  /** For a list in pages: goes on after the last page, at the newest version. */
  readonly continueToken: string | undefined

  constructor(object: string, what: string, options: KubeErrorOptions = {}) {
    super(object, what, options)
    this.continueToken = options.continueToken
  }
}

/** 429: the server sheds load. Nothing was done. */
export class TooManyRequests extends KubeError {
  readonly reason = 'TooManyRequests'
}

/** Any other 4xx: a request that this server does not understand. Nothing was done. */
export class Rejected extends KubeError {
  readonly reason = 'Rejected'
}

/** No usable answer: 5xx, broken connection, deadline. Whether a write was done is unknown: read before deciding. */
export class Unavailable extends KubeError {
  readonly reason = 'Unavailable'
}

/** A watch sent something that is not an event, or one out of order: something is lost, so list again. */
export class Malformed extends KubeError {
  readonly reason = 'Malformed'
}
