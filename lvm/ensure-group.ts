import { LoamError } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { clusterOfGroup } from '../core/volume-tags.ts'
import { surveyDisks, type DiskSurvey, type SurveyTools } from './disk-survey.ts'
import { Frozen, OutcomeUnknown, Stuck } from './errors.ts'
import { createGroup, extendGroup } from './group-change.ts'
import { KnownGroup, requireComplete, type KnownGroups } from './known-groups.ts'
import { checkGroupName, checkTag } from './names.ts'
import type { GroupReport } from './report.ts'
import type { StuckWork } from './stuck-work.ts'
import type { DiskVerdict, EnsureGroupRequest, EnsureGroupResult, VolumeGroup } from './types.ts'

export interface GroupTools extends SurveyTools {
  readonly groups: KnownGroups
  /** Groups, by name, on which work has not ended. */
  readonly stuck: StuckWork
  readonly log: Logger
}

type Problem = NonNullable<EnsureGroupResult['problem']>

const strangerProblem = (request: EnsureGroupRequest, stranger: VolumeGroup): Problem => {
  const cluster = clusterOfGroup(stranger.tags)
  const named = `volume group "${request.name}"`
  return cluster === undefined
    ? {
        reason: 'ForeignGroup',
        message: `${named} exists and was not made by Loam; name another group in the StorageClass`,
      }
    : {
        reason: 'OtherCluster',
        message: `${named} belongs to the cluster with id ${cluster}, this one has ${request.clusterId}; nothing is touched`,
      }
}

/** What on the disks forbids both to use a group of this name and to make one. */
const nameProblem = (
  request: EnsureGroupRequest,
  { namesakes, members }: DiskSurvey,
): Problem | undefined => {
  const isOurs = (group: VolumeGroup): boolean => clusterOfGroup(group.tags) === request.clusterId
  const ours = namesakes.filter(isOurs).map((group) => group.uuid)
  const stranger = namesakes.find((group) => !isOurs(group))
  const expected = request.expectedGroupUuid
  if (members.length === 0 && stranger !== undefined) return strangerProblem(request, stranger)
  if (members.length === 0 && expected !== undefined)
    return {
      reason: 'GroupMissing',
      message:
        `volume group "${request.name}" with UUID ${expected} is on none of the listed disks; ` +
        'attach its disks, no other group is made meanwhile',
    }
  if (ours.length > 1 && expected === undefined)
    return {
      reason: 'SeveralGroups',
      message:
        `the disks hold ${ours.length} groups named "${request.name}" (UUID ${ours.join(', ')}); ` +
        'detach the disks of all but one',
    }
  return undefined
}

const noDiskProblem = (verdicts: readonly DiskVerdict[]): Problem => ({
  reason: 'NoUsableDisk',
  message:
    verdicts.length === 0
      ? 'no disk is listed for this node'
      : `none of the listed disks can be used: ${verdicts.map((verdict) => verdict.message).join(' | ')}`,
})

/** The group on the disks that are its members already. @throws Frozen when it cannot be read whole. */
const recallGroup = (tools: GroupTools, request: EnsureGroupRequest, survey: DiskSurvey): KnownGroup => {
  const seen = survey.namesakes.find(
    (group) => request.expectedGroupUuid === undefined || group.uuid === request.expectedGroupUuid,
  )
  if (seen === undefined)
    throw new Frozen('NotSeen', `volume group "${request.name}"`, 'vanished while it was looked at')
  const known =
    tools.groups.all().find((group) => group.uuid === seen.uuid) ??
    new KnownGroup(tools, { name: seen.name, uuid: seen.uuid, devices: survey.members })
  known.addDevices(survey.members)
  known.history.expect(request.expectedMark, request.acceptedStates ?? [], request.acceptCommand ?? '')
  tools.groups.remember(known)
  return known
}

/** Reads the group, and takes in the blank disks when it is whole. */
const completeGroup = async (
  tools: GroupTools,
  known: KnownGroup,
  survey: DiskSurvey,
): Promise<GroupReport> => {
  const report = await known.fresh()
  requireComplete(report)
  if (survey.blank.length === 0) return report
  tools.log.info('Extending volume group', {
    group: known.name,
    disks: survey.blank.map((disk) => disk.path),
  })
  return await extendGroup(tools.lvm, known, survey.blank)
}

const makeGroup = async (
  tools: GroupTools,
  request: EnsureGroupRequest,
  survey: DiskSurvey,
): Promise<GroupReport> => {
  const { name, clusterId } = request
  tools.log.info('Making volume group', { group: name, disks: survey.blank.map((disk) => disk.path) })
  const { known, report } = await createGroup(tools, { name, clusterId, disks: survey.blank })
  tools.groups.remember(known)
  return report
}

/** The group as it can be seen although something is wrong with it, for status. */
const partialGroup = async (tools: GroupTools, name: string): Promise<GroupReport | undefined> => {
  try {
    return await tools.groups.byName(name)?.fresh()
  } catch {
    // the caller already has the error that says what is wrong
    return undefined
  }
}

const problemOf = (error: LoamError): Problem => ({
  reason: error instanceof Frozen ? error.because : error.reason,
  message: error.message,
})

/** After a change disks that were blank are members; judged again, so that the caller sees what is. */
const verdictsAfter = async (
  tools: GroupTools,
  request: EnsureGroupRequest,
): Promise<readonly DiskVerdict[]> => (await surveyDisks(tools, request)).verdicts

/**
 * Judges the disks, and makes, recalls or extends the group. A problem with the group is a result, not an error, so
 * that the verdicts reach the caller beside it.
 *
 * @throws OutcomeUnknown when a command's effect could not be read back; Stuck when earlier work has not ended.
 */
export const ensureGroup = async (
  tools: GroupTools,
  asked: EnsureGroupRequest,
): Promise<EnsureGroupResult> => {
  checkGroupName(asked.name)
  checkTag(asked.clusterId)
  const expectedGroupUuid = asked.expectedGroupUuid ?? tools.groups.byName(asked.name)?.uuid
  const request = { ...asked, ...(expectedGroupUuid === undefined ? {} : { expectedGroupUuid }) }
  const survey = await surveyDisks(tools, request)
  const disks = survey.verdicts
  const problem = nameProblem(request, survey)
  if (problem !== undefined) return { group: undefined, disks, problem }
  const isMade = survey.members.length > 0
  if (!isMade && survey.blank.length === 0) return { group: undefined, disks, problem: noDiskProblem(disks) }
  try {
    const report = isMade
      ? await completeGroup(tools, recallGroup(tools, request, survey), survey)
      : await makeGroup(tools, request, survey)
    const changed = survey.blank.length > 0
    return {
      group: report.group,
      disks: changed ? await verdictsAfter(tools, request) : disks,
      problem: undefined,
    }
  } catch (error) {
    if (!(error instanceof LoamError) || error instanceof OutcomeUnknown || error instanceof Stuck)
      throw error
    const partial = await partialGroup(tools, request.name)
    return { group: partial?.group, disks, problem: problemOf(error) }
  }
}
