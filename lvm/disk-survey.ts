import { messageOf } from '../core/errors.ts'
import { clusterOfGroup } from '../core/volume-tags.ts'
import { judgeDisk, type BlankDisk, type DiskContext, type Membership } from './disk-judge.ts'
import { lookAtDisk, type DeviceLook, type LookTools } from './disk-look.ts'
import type { Lvm } from './lvm.ts'
import { readHostUse } from './mounts.ts'
import { parseReport, reportCommand, type DeviceReport } from './report.ts'
import type { DiskVerdict, EnsureGroupRequest, VolumeGroup } from './types.ts'

/** What is known about all the disks of a list. */
export interface DiskSurvey {
  readonly verdicts: readonly DiskVerdict[]
  /** Proofs for the disks that may be taken into the group. */
  readonly blank: readonly BlankDisk[]
  /** Paths of the disks that are part of the wanted group already. */
  readonly members: readonly string[]
  /** Groups of the wanted name that were seen on the disks, ours or not; one for each UUID. */
  readonly namesakes: readonly VolumeGroup[]
}

export interface SurveyTools extends LookTools {
  readonly lvm: Lvm
}

const LVM_LABEL = 'LVM2_member'

const labelUuidOf = (look: DeviceLook): string | undefined =>
  look.content.kind === 'signature' &&
  look.content.signature.kind === 'found' &&
  look.content.signature.type === LVM_LABEL
    ? look.content.signature.uuid
    : undefined

/** Each labelled disk is read alone: a damaged one then hides no other. Its group shows its other disks as missing. */
const readLabel = async (
  { lvm, stuckDisks }: SurveyTools,
  path: string,
): Promise<DeviceReport | { failed: string }> => {
  try {
    return parseReport(await stuckDisks.watch(path, () => lvm.read(reportCommand, [path])))
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
  const holder = report.groups.find(({ group }) =>
    group.physicalVolumes.some((disk) => disk.uuid === uuid && !disk.missing),
  )
  if (holder === undefined)
    return report.orphanPhysicalVolumes.includes(uuid)
      ? { kind: 'noGroup' }
      : { kind: 'unreadable', detail: 'it is marked as in use, but no group is found on it' }
  return isWanted(holder.group, request)
    ? { kind: 'member' }
    : { kind: 'otherGroup', groupName: holder.group.name, owner: describeOwner(holder.group, request) }
}

const pathsOfOthers = (looks: readonly DeviceLook[], look: DeviceLook): string[] =>
  looks.filter((other) => other.device.deviceNumber !== look.device.deviceNumber).map((other) => other.path)

interface Label {
  readonly uuid: string
  readonly report: DeviceReport | { failed: string }
}

interface DiskFinding {
  readonly look: DeviceLook
  readonly membership: Membership | undefined
}

const membershipOf = (
  look: DeviceLook,
  labels: ReadonlyMap<DeviceLook, Label>,
  request: EnsureGroupRequest,
): Membership | undefined => {
  const label = labels.get(look)
  if (label === undefined) return undefined
  const sameUuid = [...labels].filter(([, other]) => other.uuid === label.uuid).map(([other]) => other)
  const copies = pathsOfOthers(sameUuid, look)
  if (copies.length > 0) return { kind: 'duplicate', others: copies }
  return membershipIn(label.report, label.uuid, request)
}

/** The group's own sector size counts; before there is a group, that of the first blank disk. */
const wantedSectorBytes = (findings: readonly DiskFinding[]): number | undefined => {
  const member = findings.find(({ membership }) => membership?.kind === 'member')
  const blank = findings.find(({ look }) => look.content.kind === 'zeros')
  return (member ?? blank)?.look.device.sectorBytes
}

const contextOf = (
  { look, membership }: DiskFinding,
  findings: readonly DiskFinding[],
  request: EnsureGroupRequest,
): DiskContext => {
  const devices = findings.map((finding) => finding.look)
  const earlier = devices.slice(0, devices.indexOf(look))
  const sameId = devices.filter((other) => look.device.id !== '' && other.device.id === look.device.id)
  return {
    groupName: request.name,
    membership,
    sameDeviceAs: earlier.find((other) => other.device.deviceNumber === look.device.deviceNumber)?.path,
    sameIdAs: pathsOfOthers(sameId, look),
    sectorBytes: wantedSectorBytes(findings),
  }
}

const namesakesIn = (labels: ReadonlyMap<DeviceLook, Label>, request: EnsureGroupRequest): VolumeGroup[] => {
  const groups = [...labels.values()].flatMap(({ report }) => ('failed' in report ? [] : report.groups))
  const named = groups.map(({ group }) => group).filter((group) => group.name === request.name)
  return [...new Map(named.map((group) => [group.uuid, group])).values()]
}

/** Looks at every listed disk, and judges them together. Reads only. */
export const surveyDisks = async (tools: SurveyTools, request: EnsureGroupRequest): Promise<DiskSurvey> => {
  const use = await readHostUse()
  const looks = await Promise.all(request.disks.map((path) => lookAtDisk(tools, path, use)))
  const devices = looks.filter((look) => look.kind === 'device')
  const labels = new Map<DeviceLook, Label>()
  for (const look of devices) {
    const uuid = labelUuidOf(look)
    if (uuid !== undefined) labels.set(look, { uuid, report: await readLabel(tools, look.path) })
  }
  const findings = devices.map((look) => ({ look, membership: membershipOf(look, labels, request) }))
  const contexts = new Map(findings.map((found) => [found.look, contextOf(found, findings, request)]))
  const judged = looks.map((look) => judgeDisk(look, look.kind === 'device' ? contexts.get(look) : undefined))
  return {
    verdicts: judged.map(({ verdict }) => verdict),
    blank: judged.flatMap(({ blank }) => (blank === undefined ? [] : [blank])),
    members: judged.filter(({ verdict }) => verdict.reason === 'Member').map(({ verdict }) => verdict.path),
    namesakes: namesakesIn(labels, request),
  }
}
