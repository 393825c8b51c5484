import fc from 'fast-check'
import { REQUEST_KINDS, WAY_FAULTS, type RequestKind, type WayFault } from './faulty-way.ts'
import type { LvmFault } from './node-memory.ts'

/** Failpoints that an agent passes here. */
const STEPS = [
  ...['create-volume', 'create-persistent-volume', 'clear-selected-node', 'delete-persistent-volume'],
  ...['remove-volume', 'drop-finalizer', 'tell-expansion', 'extend-volume', 'grow-persistent-volume'],
]
const POINTS = STEPS.flatMap((step) => [`before.${step}`, `after.${step}`])

/** One thing that somebody does or that goes wrong. Small numbers name pods, their claims and nodes; JSON. */
export type Action =
  | { readonly do: 'createPod'; readonly pod: number; readonly extents: readonly number[] }
  | { readonly do: 'deletePod' | 'deletePodWithClaims'; readonly pod: number }
  | {
      readonly do:
        'deleteClaim' | 'forceDeleteVolume' | 'deleteVolume' | 'unlabelVolume' | 'useVolume' | 'openVolume'
      readonly pod: number
      readonly claim: number
    }
  | {
      readonly do: 'setPolicy'
      readonly pod: number
      readonly claim: number
      readonly policy: 'Retain' | 'Delete'
    }
  | { readonly do: 'expand'; readonly pod: number; readonly claim: number; readonly extents: number }
  | { readonly do: 'moveClaims'; readonly pod: number; readonly node: number }
  | { readonly do: 'moveClaim'; readonly pod: number; readonly claim: number; readonly node: number }
  | {
      readonly do: 'makeByHand' | 'makeUnseen' | 'leaveOrphan'
      readonly node: number
      readonly extents: number
    }
  /** An agent died there that had made a volume for the claim, and another node answered it: told stories only. */
  | { readonly do: 'leaveTwin'; readonly pod: number; readonly claim: number; readonly node: number }
  | { readonly do: 'removeByHand'; readonly node: number; readonly which: number }
  | {
      readonly do: 'crash' | 'cutWatches' | 'lagWatches' | 'holdCreates' | 'releaseCreates'
      readonly node: number
    }
  | { readonly do: 'crashAt'; readonly node: number; readonly point: string; readonly count: number }
  | {
      readonly do: 'trouble'
      readonly node: number
      readonly on: RequestKind
      readonly fault: WayFault
      readonly times: number
    }
  | { readonly do: 'lvmFault'; readonly node: number; readonly fault: LvmFault }
  | { readonly do: 'deleteClass' | 'createClass' }
  | { readonly do: 'wait'; readonly ms: number }
  /** Until all is as it should be; later faults meet a cluster at rest. */
  | { readonly do: 'rest' }

const pod = fc.nat({ max: 2 })
const claim = fc.nat({ max: 2 })
const node = fc.nat({ max: 1 })
const extents = fc.integer({ min: 1, max: 14 })
const ofClaim = (
  what: 'deleteClaim' | 'forceDeleteVolume' | 'deleteVolume' | 'unlabelVolume' | 'useVolume' | 'openVolume',
) => fc.record({ do: fc.constant(what), pod, claim })
const ofNode = (what: 'crash' | 'cutWatches' | 'lagWatches') => fc.record({ do: fc.constant(what), node })
const onNode = (what: 'makeByHand' | 'makeUnseen' | 'leaveOrphan') =>
  fc.record({ do: fc.constant(what), node, extents })

const trouble: fc.Arbitrary<Action> = fc
  .record({
    do: fc.constant('trouble' as const),
    node,
    on: fc.constantFrom(...REQUEST_KINDS),
    fault: fc.constantFrom(...WAY_FAULTS),
    times: fc.integer({ min: 1, max: 3 }),
  })
  // a watch that is cut has an action of its own
  .filter(({ on, fault }) =>
    on === 'watch' ? ['drop', '410', '429', '500'].includes(fault) : fault !== '410',
  )

const WEIGHTED: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<Action> }[] = [
  {
    weight: 10,
    arbitrary: fc.record({
      ...{ do: fc.constant('createPod' as const), pod },
      extents: fc.array(extents, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deletePod' as const), pod }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('deletePodWithClaims' as const), pod }) },
  { weight: 3, arbitrary: ofClaim('deleteClaim') },
  { weight: 2, arbitrary: ofClaim('forceDeleteVolume') },
  { weight: 1, arbitrary: ofClaim('deleteVolume') },
  { weight: 1, arbitrary: ofClaim('unlabelVolume') },
  { weight: 4, arbitrary: ofClaim('useVolume') },
  { weight: 2, arbitrary: ofClaim('openVolume') },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ do: fc.constant('setPolicy' as const), pod, claim },
      policy: fc.constantFrom('Retain' as const, 'Delete' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('expand' as const), pod, claim, extents }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('moveClaims' as const), pod, node }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('moveClaim' as const), pod, claim, node }) },
  { weight: 2, arbitrary: onNode('makeByHand') },
  { weight: 1, arbitrary: onNode('makeUnseen') },
  { weight: 2, arbitrary: onNode('leaveOrphan') },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('removeByHand' as const), node, which: fc.nat({ max: 3 }) }),
  },
  { weight: 2, arbitrary: ofNode('crash') },
  { weight: 2, arbitrary: ofNode('cutWatches') },
  { weight: 1, arbitrary: ofNode('lagWatches') },
  {
    weight: 7,
    arbitrary: fc.record({
      ...{ do: fc.constant('crashAt' as const), node, point: fc.constantFrom(...POINTS) },
      count: fc.integer({ min: 1, max: 2 }),
    }),
  },
  { weight: 8, arbitrary: trouble },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ do: fc.constant('lvmFault' as const), node },
      fault: fc.constantFrom('noSpaceMidway' as const, 'unknownBefore' as const, 'unknownAfter' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deleteClass' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('createClass' as const) }) },
  {
    weight: 16,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 20, max: 800 }) }),
  },
]

/** Sequences of actions; each shrinks to fewer and smaller ones. */
export const sequences: fc.Arbitrary<Action[]> = fc.array(fc.oneof(...WEIGHTED), {
  ...{ minLength: 12, maxLength: 36, size: 'max' },
})
