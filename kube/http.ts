import type { IncomingMessage } from 'node:http'
import { request as requestHttp } from 'node:http'
import { request as requestHttps, type RequestOptions } from 'node:https'
import { messageOf } from '../core/errors.ts'

/** One HTTP request; the promise settles when the head of the answer is there. */
export const sendRequest = (
  url: URL,
  options: RequestOptions,
  body: string | undefined,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const request = (url.protocol === 'http:' ? requestHttp : requestHttps)(url, options, resolve)
    request.on('error', (error: NodeJS.ErrnoException) => {
      // The server closed an idle connection in the moment we used it. Harmless for a read; a write may have been done.
      const closedWhileIdle = request.reusedSocket && error.code === 'ECONNRESET' && options.method === 'GET'
      if (closedWhileIdle) resolve(sendRequest(url, options, body))
      else reject(error)
    })
    request.end(body)
  })

/** Reads a whole answer, at most `limitBytes` of it. @throws Error when it is longer or breaks off */
export const readBody = async (response: IncomingMessage, limitBytes: number): Promise<string> => {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > limitBytes) throw new Error(`the answer is longer than ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Node gives some connection errors an empty message and only a code. */
export const describeHttpError = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return messageOf(error) || code || 'unknown error'
}
