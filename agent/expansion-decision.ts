import type { ExpandingClaim, ResizeStatus } from './expanding-claim.ts'
import type { PersistentVolumeView } from './persistent-volume.ts'

/** The next step of an expansion, each of them safe to repeat. */
export type ExpansionDecision =
  | { readonly kind: 'ignore'; readonly why: string }
  /** The claim has all of its volume: the size of before, noted at the PersistentVolume, is of no more use. */
  | { readonly kind: 'forgetOldSize' }
  /** `isBegun`: the claim's status says already that it is for this size. */
  | { readonly kind: 'expand'; readonly sizeBytes: bigint; readonly isBegun: boolean }

/** What the decision is made from. */
export interface ExpansionSituation {
  /** The claim that the PersistentVolume names, read just now; undefined when there is none. */
  readonly claim: ExpandingClaim | undefined
  readonly volume: PersistentVolumeView
  /** Whether this process has met a refusal of the expansion that is under way. */
  readonly wasRefused: boolean
}

interface Numbers {
  readonly requestBytes: bigint
  readonly allocatedBytes: bigint | undefined
  readonly volumeBytes: bigint
  readonly wasRefused: boolean
  readonly isPending: boolean
}

/** The size that the volume is to have; undefined while it is for kubelet to go on. */
type Choice = (numbers: Numbers) => bigint | undefined

const requested: Choice = ({ requestBytes }) => requestBytes
const begun: Choice = ({ allocatedBytes, requestBytes }) => allocatedBytes ?? requestBytes
/** What was begun comes to its end before another size is tried, unless that end is known to be out of reach. */
const begunUnlessRefused: Choice = (numbers) => (numbers.wasRefused ? numbers.requestBytes : begun(numbers))
const begunUnlessDone: Choice = (numbers) => {
  const sizeBytes = begun(numbers)
  return sizeBytes !== undefined && numbers.volumeBytes >= sizeBytes ? undefined : sizeBytes
}
const begunUnlessPending: Choice = (numbers) =>
  numbers.allocatedBytes === undefined && numbers.isPending ? undefined : begun(numbers)
const kubelet: Choice = () => undefined

/**
 * Which size is made next (external-resizer, pkg/controller/expand_and_recover.go; KEP-1790), by how large the
 * PersistentVolume is said to be and how far the claim's status says that the expansion is.
 */
const CHOICES: Record<'smallerThanRequest' | 'asLargeAsRequest', Record<ResizeStatus | 'none', Choice>> = {
  smallerThanRequest: {
    none: requested,
    ControllerResizeInProgress: begunUnlessRefused,
    ControllerResizeInfeasible: requested,
    NodeResizePending: begunUnlessDone,
    NodeResizeInProgress: begunUnlessDone,
    NodeResizeInfeasible: begun,
  },
  asLargeAsRequest: {
    none: begunUnlessPending,
    ControllerResizeInProgress: begun,
    ControllerResizeInfeasible: begun,
    NodeResizePending: kubelet,
    NodeResizeInProgress: kubelet,
    // Marked as pending again, so that kubelet tries once more.
    NodeResizeInfeasible: begun,
  },
}

const ignore = (why: string): ExpansionDecision => ({ kind: 'ignore', why })

type Rule = (situation: ExpansionSituation) => string | undefined

/** Why it is not for this agent to do anything. */
const CONCERNS: readonly Rule[] = [
  ({ volume }) => (volume.handle === undefined ? 'it is not a volume of Loam' : undefined),
  ({ volume }) => (volume.isBeingDeleted ? 'the volume is being deleted' : undefined),
  ({ volume }) => (volume.phase === 'Bound' ? undefined : `the volume is ${volume.phase}`),
  ({ volume, claim }) =>
    claim === undefined || claim.uid !== volume.claim?.uid || claim.volumeName !== volume.name
      ? 'volume and claim do not name each other'
      : undefined,
  ({ claim }) => (claim?.phase === 'Bound' ? undefined : 'the claim is not bound'),
  ({ claim }) => (claim?.isBeingDeleted === true ? 'the claim is being deleted' : undefined),
  ({ claim }) =>
    claim?.resizeStatus === 'unknown' ? 'its resize status is not known to this version' : undefined,
]

/** Decides; pure: the same situation always gives the same decision. */
export const decideExpansion = (situation: ExpansionSituation): ExpansionDecision => {
  for (const rule of CONCERNS) {
    const why = rule(situation)
    if (why !== undefined) return ignore(why)
  }
  const { claim, volume, wasRefused } = situation
  const { capacityBytes: volumeBytes } = volume
  if (claim?.requestBytes === undefined || claim.capacityBytes === undefined || volumeBytes === undefined)
    return ignore('a size is missing')
  const { requestBytes, allocatedBytes, resizeStatus, conditions } = claim
  if (requestBytes <= claim.capacityBytes) {
    const isDone = volume.preResizeCapacity !== undefined && claim.capacityBytes >= volumeBytes
    return isDone ? { kind: 'forgetOldSize' } : ignore('the claim has what it asks for')
  }
  if (resizeStatus === 'unknown') return ignore('the rules above have answered this')
  const row = CHOICES[volumeBytes < requestBytes ? 'smallerThanRequest' : 'asLargeAsRequest']
  const isPending = conditions.some(({ type }) => type === 'FileSystemResizePending')
  const sizeBytes = row[resizeStatus]({ requestBytes, allocatedBytes, volumeBytes, wasRefused, isPending })
  if (sizeBytes === undefined) return ignore('kubelet has to go on')
  return { kind: 'expand', sizeBytes, isBegun: allocatedBytes === sizeBytes }
}
