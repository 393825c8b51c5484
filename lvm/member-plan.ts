import type { DiskSurvey } from './disk-survey.ts'
import { CLOSED_TAG } from './disk-rule.ts'
import { grownBytes } from './identity-rules.ts'
import type { DiskVerdict, EnsureGroupRequest, PhysicalVolume, VolumeGroup } from './types.ts'

/** What is to be changed about disks that are part of a group already. */
export interface MemberPlan {
  readonly allocation: readonly { readonly uuid: string; readonly allocatable: boolean }[]
  readonly grow: readonly { readonly path: string; readonly physicalVolume: PhysicalVolume }[]
}

/** UUIDs of the disks that these paths lead to, or led to when they were accepted. */
const uuidsOf = (verdicts: readonly DiskVerdict[]): Set<string> =>
  new Set(
    verdicts.flatMap((verdict) => verdict.physicalVolumeUuid ?? verdict.recorded?.physicalVolumeUuid ?? []),
  )

/**
 * A disk is closed only when it is known to have been listed and not to be listed now, by any path; one that a person
 * added to the group by hand is left as it is. Opened is only what Loam closed. A disk is grown only to the very size
 * that was asked for.
 */
export const planMembers = (
  group: VolumeGroup,
  request: EnsureGroupRequest,
  survey: Pick<DiskSurvey, 'verdicts' | 'unlisted'>,
): MemberPlan => {
  const listed = uuidsOf(survey.verdicts)
  const unlisted = uuidsOf(survey.unlisted)
  const allocation = group.physicalVolumes.flatMap(({ uuid, allocatable, tags }) => {
    if (listed.has(uuid)) return tags.includes(CLOSED_TAG) ? [{ uuid, allocatable: true }] : []
    return unlisted.has(uuid) && allocatable ? [{ uuid, allocatable: false }] : []
  })
  const grow = request.disks.flatMap(({ path, growToBytes }) => {
    const verdict = survey.verdicts.find((candidate) => candidate.path === path)
    const physicalVolume = group.physicalVolumes.find(({ uuid }) => uuid === verdict?.physicalVolumeUuid)
    if (verdict === undefined || physicalVolume === undefined) return []
    const isAsked = growToBytes === verdict.sizeBytes
    const hasGrown = grownBytes(verdict.sizeBytes, physicalVolume.sizeBytes, group.extentSizeBytes) > 0n
    return isAsked && hasGrown ? [{ path, physicalVolume }] : []
  })
  return { allocation, grow }
}
