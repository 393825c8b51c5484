import { ServerInterceptingCall, status, type ServerInterceptor, type ServerListener } from '@grpc/grpc-js'

import type { LogFields, Logger } from '../core/logger.ts'

/** Kubelet and probes make these all the time. */
const FREQUENT = /\/(Probe|NodeGetCapabilities|NodeGetVolumeStats|GetPluginInfo|GetPluginCapabilities)$/

/** Longer than any call takes on a node that is well; kubelet gives up after two minutes. */
const SLOW_AFTER_MS = 30_000

const idIn = (message: unknown): string | undefined => {
  if (typeof message !== 'object' || message === null || !('volumeId' in message)) return undefined
  return typeof message.volumeId === 'string' ? message.volumeId : undefined
}

const levelOf = (method: string, code: status): 'debug' | 'info' | 'warn' => {
  if (code !== status.OK) return 'warn'
  return FREQUENT.test(method) ? 'debug' : 'info'
}

/**
 * One line for each call: method, volume, code and duration. Never the request: its secrets and volume_context may
 * hold what nobody should read in a log. A caller that goes away gets a line of its own, and so does a call that has not
 * ended after `slowAfterMs`, each time that this has passed again; the call goes on and ends later.
 */
export const logCalls =
  (log: Logger, slowAfterMs = SLOW_AFTER_MS): ServerInterceptor =>
  ({ path: method }, call) => {
    const startedAt = performance.now()
    let volumeId: string | undefined
    let ended = false
    const fieldsNow = (): LogFields => ({
      method,
      ...(volumeId === undefined ? {} : { volumeId }),
      durationMs: Math.round(performance.now() - startedAt),
    })
    const slow = setInterval(() => log.warn('CSI call has not ended yet', fieldsNow()), slowAfterMs)
    const listener: ServerListener = {
      onReceiveMessage: (message, next) => {
        volumeId = idIn(message)
        next(message)
      },
      // also called after a normal end
      onCancel: () => {
        if (!ended) log.warn('CSI call was given up by its caller', fieldsNow())
      },
    }
    return new ServerInterceptingCall(call, {
      start: (next) => next(listener),
      sendStatus: (sent, next) => {
        ended = true
        clearInterval(slow)
        const { code, details } = sent
        const outcome = code === status.OK ? { code: 'OK' } : { code: status[code], error: details }
        log[levelOf(method, code)]('CSI call', { ...fieldsNow(), ...outcome })
        next(sent)
      },
    })
  }
