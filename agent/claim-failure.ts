import { Frozen, NoSpace, OutcomeUnknown, Stuck } from '../lvm/errors.ts'

/**
 * What a failure to make volumes means for their claims. `elsewhere`: this node says no for now, and another may say yes.
 * `retry`: the same may succeed here. `unknown`: something may have been made and could not be read back, so nothing is
 * undone, and the claims stay until it can.
 */
export type Failure =
  | { readonly kind: 'elsewhere'; readonly reason: string; readonly message: string }
  | { readonly kind: 'retry' | 'unknown' }

/** What is not known to be otherwise is tried again here: to give a claim back, its volume has to be removed. */
export const failureOf = (error: unknown): Failure => {
  if (error instanceof NoSpace || error instanceof Frozen)
    return { kind: 'elsewhere', reason: error.reason, message: error.message }
  return { kind: error instanceof OutcomeUnknown || error instanceof Stuck ? 'unknown' : 'retry' }
}
