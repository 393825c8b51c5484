import { LoamError } from '../core/errors.ts'
import { legsOf } from '../core/layout.ts'
import { placeVolume, volumeExtents } from '../core/layout-size.ts'
import { describeBytes } from '../core/quantity.ts'
import { clusterOfGroup, hasUnerasedSpace, tagsOf, type VolumeRecord } from '../core/volume-tags.ts'
import { complaintOf, type CommandResult } from './command-runner.ts'
import { CommandFailed, Conflict, OutcomeUnknown, Refused } from './errors.ts'
import { freeDisksOf } from './free-disks.ts'
import { JustMade } from './just-made.ts'
import { MIN_FILE_SYSTEM_BYTES } from './file-system.ts'
import { requireComplete } from './known-groups.ts'
import { createVolumeCommand, type LvmCommand } from './lvm-command.ts'
import { makeThinRoom, planThinVolume, type CreateThinTools } from './make-thin-room.ts'
import { readPoolUse } from './pool-use.ts'
import { nameOf, noSpaceFor, type PlacedRequest } from './placed-request.ts'
import { confirmLegsApart, readLegs } from './raid-legs.ts'
import type { GroupReport } from './report.ts'
import type { CreateVolumeRequest, LogicalVolume, ThinPoolUse } from './types.ts'

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
  // a thin pool zeroes what it gives away
  if (request.record.content === 'block' && request.layout.name !== 'thin' && hasUnerasedSpace(group.tags))
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

/** What a report calls for. `command` does what has to be done first, and gives the lvcreate. */
type Plan =
  | { readonly own: LogicalVolume }
  | { readonly own: undefined; readonly command: (tools: CreateTools) => Promise<LvmCommand> }

const planPlaced = (report: GroupReport, request: PlacedRequest): LvmCommand => {
  const { groupName, name, layout, sizeBytes, record } = request
  const free = freeDisksOf(report.group)
  const extents = volumeExtents(layout, sizeBytes, report.group.extentSizeBytes)
  const places = placeVolume(layout, extents, free)
  if (places !== undefined)
    return createVolumeCommand({ groupName, name, layout, extents, places, tags: tagsOf(record) })
  throw noSpaceFor(report, request)
}

/** Space is counted and taken by one writer, so what is being made is never given twice. */
const planOf = (
  report: GroupReport,
  request: CreateVolumeRequest,
  poolUse: readonly ThinPoolUse[] = [],
): Plan => {
  checkGroup(report, request)
  const own = findOwn(report, request)
  if (own !== undefined) return { own }
  const { layout } = request
  if (layout.name !== 'thin') {
    const command = planPlaced(report, { ...request, layout })
    return { own, command: () => Promise.resolve(command) }
  }
  const thin = { ...request, layout }
  const plan = planThinVolume(report, thin, poolUse)
  return { own, command: (tools) => makeThinRoom(tools, thin, plan) }
}

export type CreateTools = CreateThinTools

/**
 * The last report may be old when somebody works in the group by hand. It is good enough for trying; a refusal, or
 * a volume said to be there, needs a fresh one.
 */
const planFor = async ({ known, hostRunner }: CreateTools, request: CreateVolumeRequest): Promise<Plan> => {
  const poolUse = request.layout.name === 'thin' ? await readPoolUse(hostRunner, [known.uuid]) : []
  if (known.last !== undefined) {
    try {
      const plan = planOf(known.last, request, poolUse)
      if (plan.own === undefined) return plan
    } catch (error) {
      if (!(error instanceof LoamError)) throw error
    }
  }
  return planOf(await known.fresh(), request, poolUse)
}

/** Whatever an earlier try made: a RAID volume whose legs share a disk is given to nobody. */
const confirmLegs = async (
  { lvm, known }: CreateTools,
  { layout }: CreateVolumeRequest,
  volume: LogicalVolume,
): Promise<void> => {
  const legs = legsOf(layout)
  if (legs?.inOneRun !== true) return
  confirmLegsApart(volume, await readLegs({ lvm, devices: known.devices }, volume), legs.count)
}

/** @throws as planOf, CommandFailed when it was not made, OutcomeUnknown when otherwise than asked. */
const madeIn = (report: GroupReport, request: CreateVolumeRequest, result: CommandResult): LogicalVolume => {
  const plan = planOf(report, request)
  if (plan.own === undefined)
    throw new CommandFailed(nameOf(request), `not made: lvcreate ended with ${complaintOf(result)}`)
  const { segmentType, poolName, tags } = plan.own
  const { layout, record } = request
  const wanted = tagsOf(record)
  const isInPool = layout.name !== 'thin' || poolName === layout.pool
  const isAsAsked = segmentType === layout.name && isInPool && wanted.every((tag) => tags.includes(tag))
  if (result.exitCode === 0 && !isAsAsked)
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
 * One command, a flush, and a reading of the metadata on the disks, because an exit status of 0 proves nothing (LVM
 * 2.03.16 gives 0 for an lvcreate that made nothing). docs/decisions/0067-read-back-from-the-disk.md has more.
 */
export const createVolume = async (
  tools: CreateTools,
  request: CreateVolumeRequest,
): Promise<{ readonly volume: LogicalVolume; readonly justMade: JustMade | undefined }> => {
  const { lvm, known } = tools
  checkRequest(request)
  const plan = await planFor(tools, request)
  const before = known.last ?? (await known.fresh())
  if (plan.own !== undefined) {
    await confirmLegs(tools, request, plan.own)
    await known.flush()
    return { volume: plan.own, justMade: undefined }
  }
  const result = await lvm.run(await plan.command(tools), known.devices)
  const volume = await known.confirm((report) => madeIn(report, request, result))
  await confirmLegs(tools, request, volume)
  return { volume, justMade: JustMade.prove(before, volume) }
}
