import type { Logger } from '../core/logger.ts'
import type { LeaseClock } from '../kube/lease.ts'
import type { EventRecorder, KubeClient } from '../kube/types.ts'
import type { Reckoning } from './reckoning.ts'
import type { Stores } from './stores.ts'

/** What the controllers of the scheduler process work with. */
export interface Ports {
  readonly client: KubeClient
  readonly events: EventRecorder
  readonly log: Logger
  readonly lease: LeaseClock
  /** Where the Leases and capacities of the agents are. */
  readonly namespace: string
  readonly stores: Stores
  readonly reckoning: Reckoning
}
