import { LoamError } from '../core/errors.ts'
import { roundUpToExtents } from '../core/layout.ts'
import { describeBytes } from '../core/quantity.ts'
import { clusterOfGroup, hasUnerasedSpace, tagsOf, type VolumeRecord } from '../core/volume-tags.ts'
import { complaintOf, type CommandResult } from './command-runner.ts'
import { CommandFailed, Conflict, NoSpace, OutcomeUnknown, Refused } from './errors.ts'
import { JustMade } from './just-made.ts'
import { MIN_FILE_SYSTEM_BYTES } from './file-system.ts'
import { requireComplete, type KnownGroup } from './known-groups.ts'
import { createVolumeCommand } from './lvm-command.ts'
import type { Lvm } from './lvm.ts'
import type { GroupReport } from './report.ts'
import type { CreateVolumeRequest, LogicalVolume } from './types.ts'

const nameOf = (request: CreateVolumeRequest): string =>
  `logical volume "${request.groupName}/${request.name}"`

/** Requests that could never be served, whatever the group holds. */
const checkRequest = ({ record, ...request }: CreateVolumeRequest): void => {
  const object = `logical volume "${request.groupName}/${request.name}"`
  if (record.state !== 'new')
    throw new Refused(object, `a volume is made in state "new", not "${record.state}"`)
  if (record.erase === 'none' && record.content === 'block')
    throw new Refused(object, 'erase "none" is for file systems only', {
      advice: 'use a class with erase "zero"',
    })
  if (request.sizeBytes <= 0n) throw new Refused(object, `a size of ${request.sizeBytes} bytes was asked for`)
  const minimum = record.content === 'block' ? 0n : MIN_FILE_SYSTEM_BYTES[record.content]
  if (request.sizeBytes < minimum)
    throw new Refused(object, `${record.content} needs at least ${describeBytes(minimum)}`, {
      advice: 'ask for a larger volume',
    })
}

const checkGroup = (report: GroupReport, request: CreateVolumeRequest): void => {
  const { group } = report
  requireComplete(report)
  if (group.name !== request.groupName)
    throw new Conflict(
      `volume group "${request.groupName}"`,
      `the group with UUID ${group.uuid} is named "${group.name}" now`,
    )
  if (clusterOfGroup(group.tags) !== request.record.clusterId)
    throw new Conflict(`volume group "${group.name}"`, 'its tags do not name this cluster')
  if (request.record.content === 'block' && hasUnerasedSpace(group.tags))
    throw new Refused(
      `volume group "${group.name}"`,
      'holds space that was let go without being erased, which a block volume would show',
      { advice: 'use another group for block volumes' },
    )
}

const sameClaim = (found: VolumeRecord | undefined, wanted: VolumeRecord): boolean =>
  found?.claimUid === wanted.claimUid && found.clusterId === wanted.clusterId

/** The volume of an earlier try, if there is one. @throws Conflict when the name is taken by anything else. */
const findOwn = (report: GroupReport, request: CreateVolumeRequest): LogicalVolume | undefined => {
  const found = report.volumes.find((volume) => volume.name === request.name)
  if (found === undefined) return undefined
  if (!sameClaim(found.record, request.record))
    throw new Conflict(nameOf(request), 'exists and belongs to something else', {
      advice: `its tags: ${found.tags.join(' ')}`,
    })
  if (found.sizeBytes < request.sizeBytes)
    throw new Conflict(
      nameOf(request),
      `exists with ${found.sizeBytes} bytes, ${request.sizeBytes} are wanted now`,
    )
  return found
}

/** What a report calls for. */
type Plan = { readonly own: LogicalVolume } | { readonly own: undefined; readonly extents: bigint }

/** Space is counted and taken by one writer, so what is being made is never given twice. */
const planOf = (report: GroupReport, request: CreateVolumeRequest): Plan => {
  checkGroup(report, request)
  const own = findOwn(report, request)
  if (own !== undefined) return { own }
  const { freeBytes, extentSizeBytes } = report.group
  const requestedBytes = roundUpToExtents(request.sizeBytes, extentSizeBytes)
  if (requestedBytes > freeBytes) throw new NoSpace(nameOf(request), { requestedBytes, freeBytes })
  return { own, extents: requestedBytes / extentSizeBytes }
}

/**
 * The last report may be old when somebody works in the group by hand. It is good enough for trying; a refusal, or
 * a volume said to be there, needs a fresh one.
 */
const planFor = async (known: KnownGroup, request: CreateVolumeRequest): Promise<Plan> => {
  if (known.last !== undefined) {
    try {
      const plan = planOf(known.last, request)
      if (plan.own === undefined) return plan
    } catch (error) {
      if (!(error instanceof LoamError)) throw error
    }
  }
  return planOf(await known.fresh(), request)
}

const readBack = async (
  known: KnownGroup,
  request: CreateVolumeRequest,
  result: CommandResult,
): Promise<LogicalVolume> => {
  const plan = planOf(await known.fresh(), request)
  if (plan.own === undefined)
    throw new CommandFailed(nameOf(request), `not made: lvcreate ended with ${complaintOf(result)}`)
  const { segmentType, tags } = plan.own
  const wanted = tagsOf(request.record)
  if (result.exitCode === 0 && (segmentType !== 'linear' || wanted.some((tag) => !tags.includes(tag))))
    throw new OutcomeUnknown(
      nameOf(request),
      `was made otherwise than asked: ${segmentType}, ${tags.join(' ')}`,
    )
  return plan.own
}

/**
 * Makes a volume, or returns the one of an earlier try; read back and on the disks when it returns. Runs alone in
 * its group.
 *
 * Two commands and a flush: lvcreate, and a report, because an exit status of 0 proves nothing (LVM 2.03.16 gives 0
 * for an lvcreate that made nothing).
 */
export const createVolume = async (
  tools: { readonly lvm: Lvm; readonly known: KnownGroup },
  request: CreateVolumeRequest,
): Promise<{ readonly volume: LogicalVolume; readonly justMade: JustMade | undefined }> => {
  const { lvm, known } = tools
  checkRequest(request)
  const plan = await planFor(known, request)
  const before = known.last ?? (await known.fresh())
  if (plan.own === undefined) {
    const { groupName, name } = request
    const tags = tagsOf(request.record)
    const command = createVolumeCommand({ groupName, name, extents: plan.extents, tags })
    const result = await lvm.run(command, known.devices)
    const volume = await readBack(known, request, result)
    await known.flush()
    return { volume, justMade: JustMade.prove(before, volume) }
  }
  await known.flush()
  return { volume: plan.own, justMade: undefined }
}
