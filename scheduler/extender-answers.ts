import type { IncomingMessage } from 'node:http'
import { messageOf } from '../core/errors.ts'
import {
  InvalidExtenderArgs,
  InvalidNodeNames,
  NODE_CACHE_CAPABLE,
  readExtenderArgs,
  filterResultText,
  type ExtenderArgs,
  type Filtered,
  type HostPriority,
} from './extender-wire.ts'

export type Verb = 'filter' | 'prioritize'

/** What answers a request that could be read. */
export interface Answers {
  filter(args: ExtenderArgs): Filtered
  prioritize(args: ExtenderArgs): readonly HostPriority[]
}

export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
  /** A mistake of ours, for the log. */
  readonly error?: unknown
}

export interface Route {
  readonly verb: Verb
  /** The JSON of it. */
  readonly answer: (args: ExtenderArgs) => string
  readonly withoutNodeNames: (message: string) => Answer
}

/** 5,000 names are 130 kB, 5,000 whole nodes tens of megabytes. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024
const plain = (status: number, text: string, headers: Answer['headers'] = {}): Answer => ({
  ...{ status, text: `${text}\n` },
  headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
})

const json = (text: string): Answer => ({
  ...{ status: 200, text },
  headers: { 'content-type': 'application/json' },
})

const TOO_LONG = plain(413, `allowed are ${BODY_LIMIT_BYTES} bytes: ${NODE_CACHE_CAPABLE}`)

/** Told by the head of a request; the first that speaks answers. */
const RULES: readonly ((request: IncomingMessage) => Answer | undefined)[] = [
  ({ method = '' }) =>
    method === 'POST' ? undefined : plain(405, `"${method}": allowed is POST`, { allow: 'POST' }),
  ({ headers: { 'content-encoding': encoding = 'identity' } }) =>
    encoding === 'identity' ? undefined : plain(415, `content-encoding "${encoding}": allowed is none`),
  ({ headers }) => (Number(headers['content-length'] ?? 0) > BODY_LIMIT_BYTES ? TOO_LONG : undefined),
]

/** The whole body, or undefined when it is too long: what still comes of it is dropped. @throws Error when it breaks off */
const readBody = (request: IncomingMessage): Promise<string | undefined> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let sizeBytes = 0
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length
      if (sizeBytes <= BODY_LIMIT_BYTES) return void chunks.push(chunk)
      chunks.length = 0
      resolve(undefined)
    })
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    request.on('error', reject)
    request.on('close', () => reject(new Error('it broke off')))
  })

/** By path. */
export const routesOf = (
  verbs: Readonly<Record<Verb, string>>,
  answers: Answers,
): ReadonlyMap<string, Route> => {
  const filter: Route = {
    verb: 'filter',
    answer: (args) => filterResultText(answers.filter(args)),
    withoutNodeNames: (message) => json(filterResultText({ nodeNames: [], refused: new Map() }, message)),
  }
  const prioritize: Route = {
    verb: 'prioritize',
    answer: (args) => JSON.stringify(answers.prioritize(args)),
    // its answer has no place for a message
    withoutNodeNames: (message) => plain(400, message),
  }
  return new Map([filter, prioritize].map((route) => [`/${verbs[route.verb]}`, route]))
}

/** Never throws for what a client did; rejects when the request breaks off. */
export const answerTo = async (
  request: IncomingMessage,
  route: Route | undefined,
  known: readonly string[],
): Promise<Answer> => {
  if (route === undefined) return plain(404, `known are ${known.join(', ')}`)
  const refusal = RULES.map((rule) => rule(request)).find((answer) => answer !== undefined)
  if (refusal !== undefined) return refusal
  const body = await readBody(request)
  if (body === undefined) return TOO_LONG
  try {
    return json(route.answer(readExtenderArgs(body)))
  } catch (error) {
    if (error instanceof InvalidNodeNames) return route.withoutNodeNames(error.message)
    if (error instanceof InvalidExtenderArgs) return plain(400, error.message)
    return { ...plain(500, messageOf(error)), error }
  }
}
