import type { LoamError } from '../core/errors.ts'
import { clusterOfGroup } from '../core/volume-tags.ts'
import type { DiskSurvey } from './disk-survey.ts'
import { Frozen } from './errors.ts'
import type { GroupProblemReason } from './group-problems.ts'
import type { DiskVerdict, EnsureGroupRequest, EnsureGroupResult, VolumeGroup } from './types.ts'

export type Problem = NonNullable<EnsureGroupResult['problem']>

const problem = (reason: GroupProblemReason, message: string): Problem => ({ reason, message })

/** What is known of the group and its disks when it is judged. */
interface Facts {
  readonly request: EnsureGroupRequest
  readonly named: string
  readonly verdicts: readonly DiskVerdict[]
  readonly members: readonly string[]
  readonly blankDisks: number
  readonly ours: readonly VolumeGroup[]
  readonly stranger: VolumeGroup | undefined
}

const saying = (verdicts: readonly DiskVerdict[]): string =>
  verdicts.map(({ message }) => message).join(' | ')

/** Disks of the group itself about which something is wrong. */
const withReason = ({ verdicts }: Facts, reason: string): DiskVerdict[] =>
  verdicts.filter((verdict) => verdict.reason === reason)

const duplicates = (facts: Facts): Problem | undefined => {
  const copies = withReason(facts, 'DuplicatePhysicalVolume')
  const concernsUs = facts.ours.length > 0 || facts.request.expectedGroupUuid !== undefined
  return copies.length > 0 && concernsUs
    ? problem('DuplicatePhysicalVolumes', `${facts.named} is frozen: ${saying(copies)}`)
    : undefined
}

const shrunk = (facts: Facts): Problem | undefined => {
  const disks = withReason(facts, 'Shrunk')
  return disks.length > 0 ? problem('DiskShrunk', `${facts.named} is frozen: ${saying(disks)}`) : undefined
}

const stranger = ({ request, named, members, stranger }: Facts): Problem | undefined => {
  if (members.length > 0 || stranger === undefined) return undefined
  const cluster = clusterOfGroup(stranger.tags)
  return cluster === undefined
    ? problem(
        'ForeignGroup',
        `${named} exists and was not made by Loam; name another group in the StorageClass, ` +
          `or rename that one: "vgrename ${stranger.uuid} NEW_NAME"`,
      )
    : problem(
        'OtherCluster',
        `${named} belongs to the cluster with id ${cluster}, this one has ${request.clusterId}; nothing is touched. ` +
          'Its volumes are those of that cluster. To adopt the group when that cluster is gone: ' +
          `"vgchange --deltag loam.cluster=${cluster} --addtag loam.cluster=${request.clusterId} ${request.name}"`,
      )
}

const gone = ({ request, named, members, verdicts }: Facts): Problem | undefined =>
  members.length === 0 && request.expectedGroupUuid !== undefined
    ? problem(
        'GroupMissing',
        `${named} with UUID ${request.expectedGroupUuid} is on none of the listed disks; attach its disks, no other ` +
          `group is made meanwhile: ${saying(verdicts)}`,
      )
    : undefined

const several = ({ request, named, ours }: Facts): Problem | undefined =>
  ours.length > 1 && request.expectedGroupUuid === undefined
    ? problem(
        'SeveralGroups',
        `the disks hold ${ours.length} groups that are ${named} (UUID ${ours.map(({ uuid }) => uuid).join(', ')}); ` +
          'detach the disks of all but one',
      )
    : undefined

const unmade = ({ request, named, members, verdicts, blankDisks }: Facts): Problem | undefined => {
  if (members.length > 0) return undefined
  if (request.keepDisks === true)
    return problem('ListsDiffer', `${named} is not made while classes list different disks for it`)
  if (blankDisks > 0) return undefined
  return problem(
    'NoUsableDisk',
    verdicts.length === 0
      ? 'no disk is listed for this node'
      : `none of the listed disks can be used: ${saying(verdicts)}`,
  )
}

/** What on the disks forbids to use the group, or to make one: the first of these. */
export const problemOnDisks = (
  request: EnsureGroupRequest,
  survey: DiskSurvey,
  verdicts: readonly DiskVerdict[],
): Problem | undefined => {
  const isOurs = (group: VolumeGroup): boolean => clusterOfGroup(group.tags) === request.clusterId
  const facts: Facts = {
    request,
    named: `volume group "${request.name}"`,
    verdicts,
    members: survey.members,
    blankDisks: survey.blank.length,
    ours: survey.namesakes.filter(isOurs),
    stranger: survey.namesakes.find((group) => !isOurs(group)),
  }
  for (const judge of [duplicates, shrunk, stranger, gone, several, unmade]) {
    const found = judge(facts)
    if (found !== undefined) return found
  }
  return undefined
}

/** The problem as which an error of making or reading the group is shown. */
export const problemOfError = (error: LoamError): Problem => ({
  reason: error instanceof Frozen ? error.because : error.reason,
  message: error.message,
})
