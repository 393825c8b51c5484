import type { NodeLocalStorage } from '../crd/types.ts'
import type { DiskVerdict } from '../lvm/types.ts'
import type { Problem } from './class-on-node.ts'

export type Condition = NonNullable<NonNullable<NodeLocalStorage['status']>['conditions']>[number]

/** What the conditions are decided from. */
export interface Facts {
  readonly groupName: string
  /** Why there is no group, or why it may not be used for new volumes. */
  readonly problem: Problem | undefined
  /** Undefined when they were never looked at. */
  readonly disks: readonly { path: string; state: DiskVerdict['state']; message?: string }[] | undefined
  /** Why the list of disks is not carried out, although the group is used as it is. */
  readonly listProblem?: Problem | undefined
  /** Names of the group's logical volumes that no PersistentVolume stands for, and that a person has to decide about. */
  readonly unclaimed: readonly string[]
  /** RAID volumes that would not outlive the loss of a disk now, and why. */
  readonly degraded: readonly { readonly name: string; readonly why: string }[]
  /** What is wrong with the thin pools of the group. */
  readonly thinPoolProblem?: Problem | undefined
  /** Why the agent may not be held to its own node; undefined when it is. */
  readonly ownNodeProblem?: (Problem & { readonly isKnown: boolean }) | undefined
}

/** Where a problem is shown. */
type Aspect = 'class' | 'group' | 'stuck' | 'frozen'

/**
 * Reasons that are not a matter of a frozen group. Every other one is: what is not understood is not used, and a
 * reason that was added to lvm/ and not here is shown all the same.
 */
const ASPECTS: Readonly<Record<string, Aspect>> = {
  InvalidParameters: 'class',
  ClassNotFound: 'class',
  NoUsableDisk: 'group',
  NoVolumeGroup: 'group',
  TooFewDisks: 'group',
  ThinPoolUnusable: 'group',
  ThinCheckMissing: 'group',
  ListsDiffer: 'group',
  Conflict: 'group',
  Stuck: 'stuck',
  OutcomeUnknown: 'stuck',
}

const when =
  (aspect: Aspect) =>
  ({ problem }: Facts): Problem | undefined =>
    problem !== undefined && (ASPECTS[problem.reason] ?? 'frozen') === aspect ? problem : undefined

const unusableDisks = ({ disks = [], listProblem }: Facts): Problem | undefined => {
  if (listProblem !== undefined) return listProblem
  const bad = disks.filter(({ state }) => state !== 'Accepted')
  if (bad.length === 0) return undefined
  const isMissing = bad.every(({ state }) => state === 'Missing')
  return {
    reason: isMissing ? 'DisksNotThere' : 'DisksNotUsed',
    message: bad.map(({ path, state, message }) => `${path}: ${state}, ${message ?? ''}`).join('; '),
  }
}

/** Names that a message gives before it counts. */
const MAX_NAMED = 5

const unclaimedVolumes = ({ unclaimed }: Facts): Problem | undefined => {
  if (unclaimed.length === 0) return undefined
  const more = unclaimed.length - MAX_NAMED
  const named = unclaimed.slice(0, MAX_NAMED).join(', ')
  return {
    reason: 'NoPersistentVolume',
    message:
      `${unclaimed.length} logical volumes without a PersistentVolume are kept: ${named}${more > 0 ? ` and ${more} more` : ''}; ` +
      'status.unclaimedVolumes has for each the command that adopts or removes it',
  }
}

const degradedVolumes = ({ degraded }: Facts): Problem | undefined => {
  if (degraded.length === 0) return undefined
  const more = degraded.length - MAX_NAMED
  const named = degraded.slice(0, MAX_NAMED).map(({ name, why }) => `${name} (${why})`)
  return {
    reason: 'NotRedundant',
    message:
      `${degraded.length} RAID volumes would not outlive the loss of a disk now: ${named.join(', ')}` +
      `${more > 0 ? ` and ${more} more` : ''}; they stay usable. Attach what is missing; a volume in use is brought in ` +
      'sync by itself, one that nobody uses when it is next used',
  }
}

const ownNodeProblem =
  (isKnown: boolean) =>
  ({ ownNodeProblem: problem }: Facts): Problem | undefined =>
    problem?.isKnown === isKnown ? { reason: problem.reason, message: problem.message } : undefined

/** One condition: what is wrong with its aspect, and what it says when nothing is. */
interface Row {
  readonly type: string
  /** The value when all is well. */
  readonly well: 'True' | 'False'
  readonly fault: (facts: Facts) => Problem | undefined
  readonly good: (facts: Facts) => Problem
  /** What is said when it cannot be known. */
  readonly unknown?: (facts: Facts) => Problem | undefined
}

/** In the order in which a person should read them: the first that is not well is the cause of those below. */
const ROWS: readonly Row[] = [
  {
    type: 'ClassAccepted',
    well: 'True',
    fault: when('class'),
    good: () => ({
      reason: 'ParametersValid',
      message: 'the StorageClass is there, and its parameters are understood',
    }),
  },
  {
    type: 'Stuck',
    well: 'False',
    fault: when('stuck'),
    good: () => ({ reason: 'CommandsEnd', message: 'no command on the volume group is overdue' }),
  },
  {
    type: 'Frozen',
    well: 'False',
    fault: when('frozen'),
    good: () => ({ reason: 'Whole', message: 'nothing of the volume group is missing or in doubt' }),
  },
  {
    type: 'VolumeGroupMade',
    well: 'True',
    fault: when('group'),
    good: ({ groupName }) => ({ reason: 'Made', message: `volume group "${groupName}"` }),
  },
  {
    type: 'DisksAccepted',
    well: 'True',
    fault: unusableDisks,
    good: () => ({ reason: 'AllAccepted', message: 'every listed disk is accepted' }),
    unknown: ({ disks }) =>
      disks === undefined
        ? {
            reason: 'NotLookedAt',
            message: 'see the conditions above for what keeps the disks from being looked at',
          }
        : undefined,
  },
  {
    type: 'VolumesUnclaimed',
    well: 'False',
    fault: unclaimedVolumes,
    good: () => ({ reason: 'AllClaimed', message: 'every logical volume has its PersistentVolume' }),
  },
  {
    type: 'VolumesDegraded',
    well: 'False',
    fault: degradedVolumes,
    good: () => ({ reason: 'AllRedundant', message: 'no RAID volume is known to lack a leg' }),
  },
  {
    type: 'ThinPoolsFull',
    well: 'False',
    fault: ({ thinPoolProblem }) => thinPoolProblem,
    good: () => ({ reason: 'EnoughSpace', message: 'no thin pool is known to be short of space' }),
  },
  {
    type: 'OwnNodeOnly',
    well: 'True',
    fault: ownNodeProblem(true),
    good: () => ({
      reason: 'PoliciesEnforced',
      message: 'the API server refuses what this agent would write for another node',
    }),
    unknown: ownNodeProblem(false),
  },
]

/** The summary: whether volumes can be made. A refused disk or a kept volume does not keep others from being made. */
const READY: Row = {
  type: 'Ready',
  well: 'True',
  fault: ({ problem }) => problem,
  good: ({ groupName }) => ({
    reason: 'VolumeGroupReady',
    message: `volume group "${groupName}" takes volumes`,
  }),
}

const opposite = { True: 'False', False: 'True' } as const

/**
 * All conditions of a NodeLocalStorage, each of them always there. `previous` are those of the stored status: the time
 * of a transition is kept while the value is.
 */
export const conditionsFor = (
  facts: Facts,
  at: { readonly previous: readonly Condition[]; readonly generation: number; readonly time: string },
): Condition[] =>
  [READY, ...ROWS].map(({ type, well, fault, good, unknown }) => {
    const unsure = unknown?.(facts)
    const found = unsure ?? fault(facts)
    const status = unsure !== undefined ? 'Unknown' : found === undefined ? well : opposite[well]
    const before = at.previous.find((candidate) => candidate.type === type)
    return {
      type,
      status,
      ...(found ?? good(facts)),
      observedGeneration: at.generation,
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : at.time,
    }
  })

/** Whether a condition says that something is wrong. */
export const isFault = ({ type, status }: Condition): boolean =>
  status !== ([READY, ...ROWS].find((row) => row.type === type)?.well ?? 'True')
