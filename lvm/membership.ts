import { messageOf } from '../core/errors.ts'
import { clusterOfGroup } from '../core/volume-tags.ts'
import type { DeviceLook, LookTools } from './disk-look.ts'
import type { Membership } from './disk-rule.ts'
import type { Lvm } from './lvm.ts'
import type { LabelReports } from './label-reports.ts'
import type { DeviceReport } from './report.ts'
import { LVM_LABEL } from './signature.ts'
import type { EnsureGroupRequest, VolumeGroup } from './types.ts'

export interface SurveyTools extends LookTools {
  readonly lvm: Lvm
  readonly labels: LabelReports
}

const labelUuidOf = (look: DeviceLook): string | undefined =>
  look.content.kind === 'signature' &&
  look.content.signature.kind === 'found' &&
  look.content.signature.type === LVM_LABEL
    ? look.content.signature.uuid
    : undefined

/** Each labelled disk is read alone: a damaged one then hides no other. Its group shows its other disks as missing. */
const readLabel = async (
  { labels }: SurveyTools,
  path: string,
): Promise<DeviceReport | { failed: string }> => {
  try {
    return await labels.read(path)
  } catch (error) {
    return { failed: messageOf(error) }
  }
}

const describeOwner = (group: VolumeGroup, request: EnsureGroupRequest): string => {
  const cluster = clusterOfGroup(group.tags)
  if (cluster === undefined) return 'not made by Loam'
  if (cluster !== request.clusterId) return `of the cluster with id ${cluster}`
  return `UUID ${group.uuid}`
}

const isWanted = (group: VolumeGroup, request: EnsureGroupRequest): boolean =>
  group.name === request.name &&
  clusterOfGroup(group.tags) === request.clusterId &&
  (request.expectedGroupUuid === undefined || request.expectedGroupUuid === group.uuid)

const membershipIn = (
  report: DeviceReport | { failed: string },
  uuid: string,
  request: EnsureGroupRequest,
): Membership => {
  if ('failed' in report) return { kind: 'unreadable', detail: report.failed }
  const holder = report.groups.find(({ group }) => group.physicalVolumes.some((disk) => disk.uuid === uuid))
  const physicalVolume = holder?.group.physicalVolumes.find((disk) => disk.uuid === uuid)
  if (holder === undefined || physicalVolume === undefined)
    return report.orphanPhysicalVolumes.includes(uuid)
      ? { kind: 'noGroup' }
      : { kind: 'unreadable', detail: 'it is marked as in use, but no group is found on it' }
  if (!isWanted(holder.group, request))
    return { kind: 'otherGroup', groupName: holder.group.name, owner: describeOwner(holder.group, request) }
  return physicalVolume.missing
    ? { kind: 'markedMissing' }
    : { kind: 'member', physicalVolume, extentSizeBytes: holder.group.extentSizeBytes }
}

const pathsOfOthers = (looks: readonly DeviceLook[], look: DeviceLook): string[] =>
  looks.filter((other) => other.device.deviceNumber !== look.device.deviceNumber).map((other) => other.path)

/** LVM's label on a disk, and what LVM finds when it sees that disk alone. */
interface Label {
  readonly uuid: string
  readonly report: DeviceReport | { failed: string }
}

export type Labels = ReadonlyMap<DeviceLook, Label>

export const readLabels = async (tools: SurveyTools, looks: readonly DeviceLook[]): Promise<Labels> => {
  const labels = new Map<DeviceLook, Label>()
  for (const look of looks) {
    const uuid = labelUuidOf(look)
    if (uuid !== undefined) labels.set(look, { uuid, report: await readLabel(tools, look.path) })
  }
  return labels
}

/** What LVM says of the PhysicalVolume on a disk; undefined for a disk without a label. */
export const membershipOf = (
  look: DeviceLook,
  labels: Labels,
  request: EnsureGroupRequest,
): Membership | undefined => {
  const label = labels.get(look)
  if (label === undefined) return undefined
  const sameUuid = [...labels].filter(([, other]) => other.uuid === label.uuid).map(([other]) => other)
  const copies = pathsOfOthers(sameUuid, look)
  if (copies.length > 0) return { kind: 'duplicate', others: copies }
  return membershipIn(label.report, label.uuid, request)
}

/** Groups of the wanted name, ours or not; one for each UUID. */
export const namesakesIn = (labels: Labels, request: EnsureGroupRequest): VolumeGroup[] => {
  const groups = [...labels.values()].flatMap(({ report }) => ('failed' in report ? [] : report.groups))
  const named = groups.map(({ group }) => group).filter((group) => group.name === request.name)
  return [...new Map(named.map((group) => [group.uuid, group])).values()]
}
