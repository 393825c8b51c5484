import { disksById, findBlockDevice } from './block-device.ts'
import { judgeDisk, type BlankDisk, type Judgement, type OptedIn } from './disk-judge.ts'
import { lookAtDisk, type DeviceLook } from './disk-look.ts'
import type { DiskContext, Membership } from './disk-rule.ts'
import { membershipOf, namesakesIn, readLabels, type Labels, type SurveyTools } from './membership.ts'
import { readHostUse } from './mounts.ts'
import type { DiskVerdict, EnsureGroupRequest, ListedDisk, VolumeGroup } from './types.ts'

/** What is known about all the disks of a list, and of those that were on it. */
export interface DiskSurvey {
  /** Of the disks that are listed. */
  readonly verdicts: readonly DiskVerdict[]
  /** Of disks that were accepted before and are not listed any more. */
  readonly unlisted: readonly DiskVerdict[]
  /** Proofs for the disks that may be taken into the group. */
  readonly blank: readonly BlankDisk[]
  /** Proofs for the disks that may be erased. */
  readonly optedIn: readonly OptedIn[]
  /** Paths of the disks that are part of the wanted group already, listed or not. */
  readonly members: readonly string[]
  /** Groups of the wanted name that were seen on the disks, ours or not; one for each UUID. */
  readonly namesakes: readonly VolumeGroup[]
}

interface DiskFinding {
  readonly look: DeviceLook
  readonly membership: Membership | undefined
}

/** What all the disks of a survey share. */
interface Surroundings {
  readonly request: EnsureGroupRequest
  readonly findings: readonly DiskFinding[]
  readonly labels: Labels
  readonly byId: ReadonlyMap<string, readonly string[]>
  /** Device numbers that other groups' lists lead to. */
  readonly elsewhere: ReadonlyMap<string, readonly string[]>
}

/** The group's own sector size counts; before there is a group, that of the first blank disk. */
const wantedSectorBytes = (findings: readonly DiskFinding[]): number | undefined => {
  const member = findings.find(({ membership }) => membership?.kind === 'member')
  const blank = findings.find(({ look }) => look.content.kind === 'zeros')
  return (member ?? blank)?.look.device.sectorBytes
}

/** A partition has the number of its disk. */
const withoutPartition = (id: string): string => id.replace(/-part\d+$/, '')

const contextOf = ({ look, membership }: DiskFinding, surroundings: Surroundings): DiskContext => {
  const { request, findings, labels, byId, elsewhere } = surroundings
  const { device } = look
  const devices = findings.map((finding) => finding.look)
  const earlier = devices.slice(0, devices.indexOf(look))
  const sameId = byId.get(withoutPartition(device.id)) ?? []
  return {
    groupName: request.name,
    membership,
    labelUuid: labels.get(look)?.uuid,
    sameDeviceAs: earlier.find((other) => other.device.deviceNumber === device.deviceNumber)?.path,
    sameIdAs: sameId.filter((name) => name !== device.diskName).map((name) => `/dev/${name}`),
    listedFor: elsewhere.get(device.deviceNumber) ?? [],
    sectorBytes: wantedSectorBytes(findings),
    recorded: request.recordedDisks?.find((disk) => disk.path === look.path),
    allowNonBlank: request.disks.find((disk) => disk.path === look.path)?.allowNonBlank,
  }
}

/** Lists may name one disk by different paths: device numbers are compared. */
const listedElsewhere = async (request: EnsureGroupRequest): Promise<Map<string, string[]>> => {
  const found = new Map<string, string[]>()
  for (const { groupName, paths } of request.otherLists ?? []) {
    for (const path of paths) {
      const device = await findBlockDevice(path)
      if (!('deviceNumber' in device)) continue
      const names = found.get(device.deviceNumber) ?? []
      found.set(device.deviceNumber, [...new Set([...names, groupName])])
    }
  }
  return found
}

const unlistedOf = ({ disks, recordedDisks = [] }: EnsureGroupRequest): ListedDisk[] =>
  recordedDisks.filter((recorded) => !disks.some((disk) => disk.path === recorded.path))

const isMember = ({ verdict }: Judgement): boolean =>
  verdict.state === 'Accepted' && verdict.physicalVolumeUuid !== undefined

/** Looks at every disk that is or was listed, and judges them together. Reads only. */
export const surveyDisks = async (tools: SurveyTools, request: EnsureGroupRequest): Promise<DiskSurvey> => {
  const use = await readHostUse()
  const all = [...request.disks, ...unlistedOf(request)]
  const looks = await Promise.all(all.map(({ path }) => lookAtDisk(tools, path, use)))
  const devices = looks.filter((look) => look.kind === 'device')
  const labels = await readLabels(tools, devices)
  const findings = devices.map((look) => ({ look, membership: membershipOf(look, labels, request) }))
  const [byId, elsewhere] = await Promise.all([disksById(), listedElsewhere(request)])
  const surroundings = { request, findings, labels, byId, elsewhere }
  const contexts = new Map(findings.map((found) => [found.look, contextOf(found, surroundings)]))
  const judged = looks.map((look) =>
    look.kind === 'device'
      ? judgeDisk(look, contexts.get(look))
      : judgeDisk(
          look,
          undefined,
          request.recordedDisks?.find((disk) => disk.path === look.path),
        ),
  )
  const listed = judged.slice(0, request.disks.length)
  return {
    verdicts: listed.map(({ verdict }) => verdict),
    unlisted: judged.slice(request.disks.length).map(({ verdict }) => verdict),
    blank: listed.flatMap(({ blank }) => (blank === undefined ? [] : [blank])),
    optedIn: listed.flatMap(({ optedIn }) => (optedIn === undefined ? [] : [optedIn])),
    members: judged.filter(isMember).map(({ verdict }) => verdict.path),
    namesakes: namesakesIn(labels, request),
  }
}
