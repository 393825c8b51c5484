import { LoamError, messageOf } from '../core/errors.ts'
import type { Logger } from '../core/logger.ts'
import { erasingVerdict } from './disk-judge.ts'
import { surveyDisks, type DiskSurvey } from './disk-survey.ts'
import type { DiskErasures } from './erase-disk.ts'
import { CommandFailed, Frozen, OutcomeUnknown, Stuck } from './errors.ts'
import { createGroup, extendGroup } from './group-change.ts'
import { problemOnDisks, problemOfError, type Problem } from './group-judge.ts'
import { KnownGroup, requireComplete, type KnownGroups, type KnownGroupTools } from './known-groups.ts'
import { growDisk, setAllocatable } from './member-change.ts'
import { planMembers } from './member-plan.ts'
import { checkGroupName, checkTag } from './names.ts'
import type { SurveyTools } from './membership.ts'
import { refreshVolume, volumesToRefresh } from './refresh-volume.ts'
import type { GroupReport } from './report.ts'
import type { DiskVerdict, EnsureGroupRequest, EnsureGroupResult } from './types.ts'

export interface GroupTools extends SurveyTools, KnownGroupTools {
  readonly groups: KnownGroups
  readonly erasures: DiskErasures
  readonly log: Logger
}

/** Paths of disks that are there and are no part of the group. */
const astrayPaths = ({ verdicts, unlisted }: DiskSurvey): string[] =>
  [...verdicts, ...unlisted].filter(({ state }) => state === 'Refused').map(({ path }) => path)

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
  known.addDevices(survey.members, astrayPaths(survey))
  known.history.expect(request.expectedMark, request.acceptedStates ?? [], request.acceptCommand ?? '')
  tools.groups.remember(known)
  return known
}

/** What is in use stays in use, whatever comes of it: a failure is no problem of the group. */
const refreshVolumes = async (
  { lvm, log }: GroupTools,
  known: KnownGroup,
  report: GroupReport,
): Promise<void> => {
  for (const volume of volumesToRefresh(report)) {
    const fields = { group: known.name, volume: volume.name }
    log.info('Refreshing a RAID volume whose disk is back', fields)
    try {
      await refreshVolume({ lvm, known }, volume)
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error
      log.warn('RAID volume not refreshed', { ...fields, error: messageOf(error) })
    }
  }
}

/** Brings the disks of a whole group to what the list says: takes in, closes, opens, grows. */
const completeGroup = async (
  tools: GroupTools,
  known: KnownGroup,
  request: EnsureGroupRequest,
  survey: DiskSurvey,
): Promise<Made> => {
  let report = await known.fresh()
  requireComplete(report)
  await known.flushOnce()
  await refreshVolumes(tools, known, report)
  if (request.keepDisks === true) return { report, changed: false }
  const { lvm, log } = tools
  const plan = planMembers(report.group, request, survey)
  if (survey.blank.length > 0) {
    log.info('Extending volume group', { group: known.name, disks: survey.blank.map((disk) => disk.path) })
    report = await extendGroup(lvm, known, survey.blank)
  }
  for (const { uuid, allocatable } of plan.allocation) {
    log.info('Opening or closing a disk for allocation', { group: known.name, uuid, allocatable })
    report = await setAllocatable(lvm, known, uuid, allocatable)
  }
  for (const disk of plan.grow) {
    log.info('Growing a disk', { group: known.name, disk: disk.path })
    report = await growDisk(lvm, known, disk)
  }
  return { report, changed: survey.blank.length + plan.allocation.length + plan.grow.length > 0 }
}

/** A group as it is read last, and whether its disks are others than were judged. */
interface Made {
  readonly report: GroupReport
  readonly changed: boolean
}

const makeGroup = async (
  tools: GroupTools,
  request: EnsureGroupRequest,
  survey: DiskSurvey,
): Promise<Made> => {
  const { name, clusterId } = request
  tools.log.info('Making volume group', { group: name, disks: survey.blank.map((disk) => disk.path) })
  const { known, report } = await createGroup(tools, { name, clusterId, disks: survey.blank })
  tools.groups.remember(known)
  return { report, changed: true }
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

/** Starts erasing the disks that a person named, and says of each how that stands. */
const eraseNamed = ({ erasures }: GroupTools, { verdicts, optedIn }: DiskSurvey): DiskVerdict[] => {
  const failures = new Map(optedIn.map((disk) => [disk.path, erasures.start(disk).failed]))
  return verdicts.map((verdict) =>
    failures.has(verdict.path) || erasures.isRunning(verdict.path)
      ? erasingVerdict(verdict, failures.get(verdict.path))
      : verdict,
  )
}

/** Disks that are not listed any more are shown as long as the group has them, or may have them. */
const shown = (
  listed: readonly DiskVerdict[],
  { unlisted }: DiskSurvey,
  group: EnsureGroupResult['group'],
): DiskVerdict[] => {
  const isPart = (uuid: string | undefined): boolean =>
    group === undefined || group.physicalVolumes.some((disk) => disk.uuid === uuid)
  return [...listed, ...unlisted.filter(({ recorded }) => isPart(recorded?.physicalVolumeUuid))]
}

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
  const judged = request.keepDisks === true ? survey.verdicts : eraseNamed(tools, survey)
  const failed = async (problem: Problem): Promise<EnsureGroupResult> => {
    const group = (await partialGroup(tools, request.name))?.group
    return { group, disks: shown(judged, survey, group), problem }
  }
  const problem = problemOnDisks(request, survey, judged)
  if (problem !== undefined) return await failed(problem)
  try {
    const { report, changed } =
      survey.members.length > 0
        ? await completeGroup(tools, recallGroup(tools, request, survey), request, survey)
        : await makeGroup(tools, request, survey)
    const after = changed ? await surveyDisks(tools, request) : survey
    const disks = shown(changed ? after.verdicts : judged, after, report.group)
    return { group: report.group, disks, problem: undefined }
  } catch (error) {
    if (!(error instanceof LoamError) || error instanceof OutcomeUnknown || error instanceof Stuck)
      throw error
    return await failed(problemOfError(error))
  }
}
