import type { Server } from '@grpc/grpc-js'

import type { Logger } from '../core/logger.ts'
import { DRIVER_NAME } from '../core/naming.ts'
import { RegistrationService, type PluginInfo, type RegistrationServer } from './gen/pluginregistration.ts'
import { unary } from './unary.ts'

/** Version of the registration's own protocol; kubelet wants a 1.x and nothing else (pkg/volume/csi, ValidatePlugin). */
const SUPPORTED_VERSIONS = ['1.0.0']

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000

export type RegistrationState =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'registered' }
  /** Kubelet does not ask again by itself: the socket has to come anew, at the earliest at `retryAt`. */
  | { readonly kind: 'refused'; readonly error: string; readonly retryAt: number }

/**
 * What kubelet is told and tells: it finds the registration socket, asks for the driver's name and socket (GetInfo),
 * and says what became of it (NotifyRegistrationStatus). It does so again after each of its restarts, so GetInfo
 * depends on nothing that happened before.
 */
export class Registration {
  readonly #endpoint: string
  readonly #log: Logger
  readonly #now: () => number
  #state: RegistrationState = { kind: 'waiting' }
  #refusals = 0

  constructor({ endpoint, log, now }: { endpoint: string; log: Logger; now: () => number }) {
    this.#endpoint = endpoint
    this.#log = log
    this.#now = now
  }

  get state(): RegistrationState {
    return this.#state
  }

  /** True once after a refusal, when it is time to offer the socket anew. */
  takeRetry(): boolean {
    if (this.#state.kind !== 'refused' || this.#now() < this.#state.retryAt) return false
    this.#state = { kind: 'waiting' }
    return true
  }

  notify(pluginRegistered: boolean, error: string): void {
    if (pluginRegistered) this.#accepted()
    else this.#refused(error)
  }

  addService(server: Server): void {
    const handlers: RegistrationServer = {
      getInfo: unary(() => Promise.resolve(this.#info()), this.#log),
      notifyRegistrationStatus: unary(({ pluginRegistered, error }) => {
        this.notify(pluginRegistered, error)
        return Promise.resolve({})
      }, this.#log),
    }
    server.addService(RegistrationService, handlers)
  }

  #info(): PluginInfo {
    return {
      type: 'CSIPlugin',
      name: DRIVER_NAME,
      endpoint: this.#endpoint,
      supportedVersions: SUPPORTED_VERSIONS,
    }
  }

  #accepted(): void {
    this.#state = { kind: 'registered' }
    this.#refusals = 0
    this.#log.info('kubelet registered the driver')
  }

  #refused(error: string): void {
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** this.#refusals, LAST_RETRY_MS)
    this.#refusals++
    this.#state = { kind: 'refused', error, retryAt: this.#now() + delayMs }
    this.#log.error('kubelet refused to register the driver', { error, retryInMs: delayMs })
  }
}
