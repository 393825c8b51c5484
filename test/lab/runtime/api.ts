import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { LabError } from '../vm/errors.ts'

/** A Kubernetes object as the API server's JSON has it. */
export interface KubeObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid: string
    readonly resourceVersion: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly finalizers?: readonly string[]
    readonly creationTimestamp: string
    readonly deletionTimestamp?: string
  }
}

interface ApiResponse {
  readonly status: number
  readonly body: string
}

interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly contentType?: string
}

/** The API server over the lab's unix socket, as administrator. */
export interface ApiClient {
  /**
   * Any status is an answer, but for the wish to be asked later (429), as a server has it whose caches are not filled yet;
   * rejects only when none came.
   */
  readonly send: (request: ApiRequest) => Promise<ApiResponse>
  /** As `send`, but a status of 400 or more is an error that names the path and quotes the server. */
  readonly json: <Result = KubeObject>(request: ApiRequest) => Promise<Result>
  readonly get: <Result = KubeObject>(path: string) => Promise<Result>
  /** The object, or undefined when the server says 404. */
  readonly find: <Result = KubeObject>(path: string) => Promise<Result | undefined>
  readonly list: <Item = KubeObject>(path: string) => Promise<readonly Item[]>
  readonly isReady: () => Promise<boolean>
}

const ANSWER_WITHIN_MS = 30_000
/** What servers ask for is a second, each time. */
const ASKED_LATER_MOST = 30
const TOO_MANY_REQUESTS = 429

export const createApiClient = (socketPath: string): ApiClient => {
  const sendOnce = ({
    method,
    path,
    body,
    contentType = 'application/json',
  }: ApiRequest): Promise<ApiResponse> =>
    new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': contentType }
      const call = request({ socketPath, path, method, headers, timeout: ANSWER_WITHIN_MS }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
        )
      })
      call.on('timeout', () => call.destroy(new Error(`no answer within ${ANSWER_WITHIN_MS / 1000} s`)))
      call.on('error', reject)
      call.end(body === undefined ? undefined : JSON.stringify(body))
    })

  const send = async (call: ApiRequest): Promise<ApiResponse> => {
    for (let asked = 1; ; asked += 1) {
      const response = await sendOnce(call)
      if (response.status !== TOO_MANY_REQUESTS || asked > ASKED_LATER_MOST) return response
      await sleep(1000)
    }
  }

  const parse = ({ method, path }: ApiRequest, { status, body }: ApiResponse): unknown => {
    if (status >= 400) throw new LabError(`${method} ${path}`, `the API server answered ${status}: ${body}`)
    return JSON.parse(body)
  }
  const json = async <Result>(call: ApiRequest) => parse(call, await send(call)) as Result
  const get = <Result>(path: string): Promise<Result> => json({ method: 'GET', path })
  const find = async <Result>(path: string): Promise<Result | undefined> => {
    const call = { method: 'GET', path } as const
    const response = await send(call)
    return response.status === 404 ? undefined : (parse(call, response) as Result)
  }
  const list = async <Item>(path: string): Promise<readonly Item[]> =>
    (await get<{ items: readonly Item[] }>(path)).items
  const isReady = async (): Promise<boolean> => {
    const answer = await send({ method: 'GET', path: '/readyz' }).catch(() => undefined)
    return answer?.status === 200
  }
  return { send, json, get, find, list, isReady }
}
