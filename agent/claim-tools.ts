import type { ObjectStore } from '../kube/types.ts'
import type { ClaimView } from '../kube/claim-view.ts'
import type { ClassKeeper } from './class-keeper.ts'
import type { Identity, Ports } from './ports.ts'

/** What is asked of the classes for claims. */
export type ClassesForClaims = Pick<
  ClassKeeper,
  'find' | 'stateOf' | 'publish' | 'groupChanged' | 'claimServed' | 'setAside'
>

/** What controllers of claims work with. */
export interface ClaimTools {
  readonly ports: Ports
  readonly identity: Identity
  readonly claims: ObjectStore<ClaimView>
  readonly classes: ClassesForClaims
}
