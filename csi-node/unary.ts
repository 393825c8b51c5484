import type { handleUnaryCall } from '@grpc/grpc-js'

import type { Logger } from '../core/logger.ts'
import { CallCancelled } from './errors.ts'
import { statusOf } from './status.ts'

interface CallContext {
  /** Aborted when the caller goes away or its deadline passes. Reason: CallCancelled. */
  readonly signal: AbortSignal
}

export type UnaryHandler<Request, Response> = (request: Request, context: CallContext) => Promise<Response>

/**
 * Makes a gRPC handler of an async function. Needed for all of them: grpc-js answers a synchronous throw with
 * "Unknown error", and a rejected handler would be an unhandled rejection.
 */
export const unary =
  <Request, Response>(
    handler: UnaryHandler<Request, Response>,
    log: Logger,
  ): handleUnaryCall<Request, Response> =>
  (call, callback) => {
    const controller = new AbortController()
    // Also emitted after a normal end; nobody listens to the signal any more by then.
    call.on('cancelled', () => controller.abort(new CallCancelled()))
    const answer = async (): Promise<Response> => handler(call.request, { signal: controller.signal })
    answer().then(
      (response) => callback(null, response),
      (thrown: unknown) => callback(statusOf(thrown, log)),
    )
  }
