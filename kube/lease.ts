import { setTimeout as sleep } from 'node:timers/promises'
import { uptime } from 'node:os'
import { LoamError, messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { AlreadyExists, Conflict, NotFound } from './errors.ts'
import { microTime } from './event-object.ts'
import { LEASES } from './resources.ts'
import type { KubeClient, KubeObject, OwnerReference } from './types.ts'

/** coordination.k8s.io/v1 Lease: what Loam reads and writes of it. */
export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string | null
    readonly leaseDurationSeconds?: number
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

/** After so long without a renewal others take the holder for gone. */
const LEASE_SECONDS = 60
/** The holder itself believes in its Lease for less, counted from before the renewal was sent: what it does then has time to end. */
const HELD_MS = 40_000
/** Half as much again at most, so that processes that started together do not stay together. */
const RENEW_MS = 15_000
const RETRY_MS = 3000

/** Whether this process may still act as the one that holds its Lease. */
export interface LeaseGate {
  isHeld(): boolean
}

/** The same for a process that concludes something from how long it has looked. */
export interface LeaseClock extends LeaseGate {
  /**
   * For how long the Lease has been held without a break; 0 when it is not held. All the while the API server answered, at
   * least every 40 s.
   */
  heldForMs(): number
}

/** The Lease has lapsed, or another process holds it: nothing is promised to anybody meanwhile. */
export class LeaseNotHeld extends LoamError {
  override readonly reason = 'LeaseNotHeld'
}

export interface LeaseOptions {
  readonly client: KubeClient
  readonly name: { readonly namespace: string; readonly name: string }
  /** With whom the Lease goes; asked when it is made. */
  readonly owners?: () => Promise<readonly OwnerReference[]>
  /** Name and UID of the pod. */
  readonly holder: string
  readonly log: Logger
  /** Milliseconds of a clock that never jumps, and that goes on while the machine is suspended. */
  readonly now?: () => number
}

/** CLOCK_BOOTTIME: the monotonic clock of performance.now() stands still while a machine is suspended. */
const sinceBootMs = (): number => uptime() * 1000

/**
 * The sign of life of a process, and its right to act. A Lease of another pod is taken over when that gave it back, or
 * when it was seen unchanged for its whole duration (as client-go's leader election does it, by the own clock and not by
 * the times written in it).
 */
export class HeldLease implements LeaseClock {
  readonly #options: LeaseOptions
  readonly #now: () => number
  readonly #stopping = new AbortController()
  #running: Promise<void> | undefined
  #heldUntilMs = Number.NEGATIVE_INFINITY
  #heldSinceMs = Number.NEGATIVE_INFINITY
  /** As last written by us, or last seen. */
  #lease: Lease | undefined
  #seenAtMs = 0
  /** Of whom the log has spoken. */
  #other: string | undefined

  constructor(options: LeaseOptions) {
    this.#options = options
    this.#now = options.now ?? sinceBootMs
  }

  isHeld(): boolean {
    return this.#now() < this.#heldUntilMs
  }

  heldForMs(): number {
    return this.isHeld() ? this.#now() - this.#heldSinceMs : 0
  }

  /** Begins to renew. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends renewing, and gives the Lease back, so that the next holder need not wait. */
  async release(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    const wasHeld = this.isHeld()
    this.#heldUntilMs = Number.NEGATIVE_INFINITY
    if (wasHeld) await this.#write({ holderIdentity: null })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await this.renew()
      const waitMs = this.isHeld() ? RENEW_MS * (1 + Math.random() / 2) : RETRY_MS
      await sleep(waitMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Tries once. Never fails: a Lease that cannot be renewed lapses. */
  async renew(): Promise<void> {
    const wasHeld = this.isHeld()
    const sentAtMs = this.#now()
    try {
      if (await this.#takeOrRenew()) {
        if (!this.isHeld()) this.#heldSinceMs = sentAtMs
        this.#heldUntilMs = sentAtMs + HELD_MS
      }
    } catch (error) {
      // Another version than ours: what it says is found out at the next try.
      if (error instanceof Conflict || error instanceof NotFound || error instanceof AlreadyExists)
        this.#lease = undefined
      this.#options.log.warn('lease not renewed', { error: messageOf(error), held: this.isHeld() })
    }
    if (!wasHeld && this.isHeld()) this.#options.log.info('lease taken', { holder: this.#options.holder })
  }

  async #takeOrRenew(): Promise<boolean> {
    const { holder, name, log } = this.#options
    if (this.#lease?.spec?.holderIdentity !== holder) await this.#look()
    const lease = this.#lease
    if (lease === undefined) {
      await this.#create()
      return true
    }
    const { holderIdentity = '', leaseDurationSeconds = LEASE_SECONDS } = lease.spec ?? {}
    const isOthers = holderIdentity !== holder && holderIdentity !== null && holderIdentity !== ''
    if (isOthers && this.#now() - this.#seenAtMs < leaseDurationSeconds * 1000) {
      this.#heldUntilMs = Number.NEGATIVE_INFINITY
      if (holderIdentity !== this.#other)
        log.info('lease is held by another', { lease: name.name, holder: holderIdentity })
      this.#other = holderIdentity
      return false
    }
    await this.#write(this.#renewal(lease))
    return true
  }

  /** Reads the Lease; the time of looking starts anew with each change. */
  async #look(): Promise<void> {
    const before = this.#lease?.metadata.resourceVersion
    this.#lease = await this.#options.client.get<Lease>(LEASES, this.#options.name)
    if (before === undefined || this.#lease?.metadata.resourceVersion !== before) this.#seenAtMs = this.#now()
  }

  #renewal({ spec = {} }: Lease): NonNullable<Lease['spec']> {
    const { holder } = this.#options
    const time = microTime(new Date())
    const isNew = spec.holderIdentity !== holder
    return {
      holderIdentity: holder,
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: time,
      ...(isNew ? { acquireTime: time, leaseTransitions: (spec.leaseTransitions ?? 0) + 1 } : {}),
    }
  }

  async #create(): Promise<void> {
    const { client, name, owners } = this.#options
    const ownerReferences = await owners?.()
    this.#lease = await client.create<Lease>(LEASES, {
      metadata: { ...name, ...(ownerReferences === undefined ? {} : { ownerReferences }) },
      spec: this.#renewal({ metadata: {} }),
    })
  }

  async #write(spec: NonNullable<Lease['spec']>): Promise<void> {
    const { resourceVersion = '' } = this.#lease?.metadata ?? {}
    const patch = { metadata: { resourceVersion }, spec }
    this.#lease = await this.#options.client.patch<Lease>(LEASES, this.#options.name, patch, {
      type: 'merge',
    })
  }
}
