import type { Claim, Facts } from './facts.ts'
import type { OperationName } from './all-operations.ts'

/** What a victim is told to do. JSON. */
export interface Order {
  readonly disks: readonly string[]
  readonly claim: Claim
  readonly story: readonly OperationName[]
  /** So many operations of the story are over. */
  readonly done: number
  readonly facts: Facts
  /** Points at which a victim has died already. */
  readonly spent: readonly string[]
  /** Moments of a step at which it dies. */
  readonly moments: readonly string[]
  /** Whether it dies at flushes, too: a process that dies there leaves what it left before the flush. */
  readonly flushes: boolean
  /** Only at these points; at every one when absent. */
  readonly only?: readonly string[]
  /** Only within these operations; within every one when absent. */
  readonly within?: readonly OperationName[]
  /** Whether it looks after its thin pools as the agent does. */
  readonly watchesPools?: boolean
}

/** What a victim says, one JSON text a line. */
export type Message =
  { readonly acknowledged: Facts } | { readonly killedAt: string } | { readonly end: true }
