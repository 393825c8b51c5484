import type { IncomingMessage } from 'node:http'
import { messageOf } from '../core/errors.ts'
import { Gone, KubeError, Malformed, TooManyRequests, Unavailable } from './errors.ts'
import { linesOf } from './lines.ts'
import { selectionQuery } from './list.ts'
import { collectionPath } from './paths.ts'
import { errorOfStatus, type Status } from './status.ts'
import type { Transport } from './transport.ts'
import type { KubeObject, ListOptions, ResourceType } from './types.ts'

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: KubeObject
}

export interface WatchRequest {
  readonly type: ResourceType
  readonly options: ListOptions
  readonly resourceVersion: string
  /** Without an event or a bookmark for so long the watch ends: its connection may be dead, and a new one costs little. */
  readonly silenceMs: number
  readonly signal: AbortSignal
}

/** An object ends at 1.5 MiB (etcd's default), so this is never reached by a sound server. */
const LINE_LIMIT = 16 * 1024 * 1024
/** client-go's range: watches of many clients must not end together. */
const MIN_SERVER_TIMEOUT_SECONDS = 300

const EVENT_TYPES: ReadonlySet<string> = new Set<WatchEvent['type']>([
  'ADDED',
  'MODIFIED',
  'DELETED',
  'BOOKMARK',
])

/** A line of a watch, before it is known to be one. */
interface Line {
  readonly type?: string
  readonly object?: Partial<KubeObject> & Status
}

const isEvent = ({ type, object }: Line): boolean =>
  EVENT_TYPES.has(type ?? '') && typeof object?.metadata?.resourceVersion === 'string'

const parseLine = (subject: string, line: string): Line => {
  try {
    return (JSON.parse(line) ?? {}) as Line
  } catch (cause) {
    throw new Malformed(subject, 'a line is not JSON', { cause })
  }
}

/**
 * Whatever an ERROR event says, another watch from the same version may end with it, without end: so does one whose next
 * event needs a value that etcd has compacted, which the server calls an internal error (apiserver, etcd3 parseEvent).
 * client-go, too, lists again after each but the one that asks to come back later.
 */
const errorOfEvent = (subject: string, status: Status): KubeError => {
  const error = errorOfStatus(subject, status.code ?? 500, status)
  return error instanceof Gone || error instanceof TooManyRequests
    ? error
    : new Gone(subject, `the watch cannot go on from its version: ${error.message}`, { cause: error })
}

const parseEvent = (subject: string, line: string): WatchEvent => {
  const parsed = parseLine(subject, line)
  if (isEvent(parsed)) return parsed as WatchEvent
  const { type, object } = parsed
  if (type === 'ERROR' && object !== undefined) throw errorOfEvent(subject, object)
  throw new Malformed(subject, `unknown event ${line.slice(0, 200)}`)
}

/** Passes the text on, and ends when none has come for a while. */
async function* piecesOf(response: IncomingMessage, silenceMs: number) {
  const silence = new AbortController()
  const timer = setTimeout(() => {
    silence.abort()
    response.destroy()
  }, silenceMs)
  try {
    response.setEncoding('utf8')
    for await (const piece of response as AsyncIterable<string>) {
      timer.refresh()
      yield piece
    }
  } catch (error) {
    if (!silence.signal.aborted) throw error
  } finally {
    clearTimeout(timer)
  }
}

const asKubeError = (subject: string, error: unknown): KubeError => {
  if (error instanceof KubeError) return error
  if (error instanceof RangeError) return new Malformed(subject, error.message, { cause: error })
  return new Unavailable(subject, `the connection broke: ${messageOf(error)}`, { cause: error })
}

async function* eventsOf(response: IncomingMessage, subject: string, silenceMs: number) {
  try {
    for await (const line of linesOf(piecesOf(response, silenceMs), LINE_LIMIT))
      if (line !== '') yield parseEvent(subject, line)
  } catch (error) {
    throw asKubeError(subject, error)
  }
}

/**
 * Opens a watch; what it gives are the changes after `resourceVersion`, in order, until the watch ends: the server
 * ends it after 5 to 10 minutes. Both opening and reading throw
 * - Gone when the server has forgotten that version, or cannot go on from it for another reason,
 * - Malformed when an event was lost,
 * - another KubeError for everything else: a new watch from the last version seen then misses nothing.
 */
export const openWatch = async (
  transport: Transport,
  request: WatchRequest,
): Promise<AsyncGenerator<WatchEvent>> => {
  const { type, options, resourceVersion, silenceMs, signal } = request
  const subject = `watch of ${type.plural}`
  const timeoutSeconds = Math.floor(MIN_SERVER_TIMEOUT_SECONDS * (1 + Math.random()))
  const response = await transport.stream({
    method: 'GET',
    path: collectionPath(type, options.namespace),
    query: {
      ...selectionQuery(options),
      watch: 'true',
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds: String(timeoutSeconds),
    },
    object: subject,
    signal,
  })
  return eventsOf(response, subject, silenceMs)
}
