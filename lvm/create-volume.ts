import { LoamError } from '../core/errors.ts'
import { describeLayout, legsOf } from '../core/layout.ts'
import { largestVolumeExtents, placeVolume, volumeExtents, type Placement } from '../core/layout-size.ts'
import { describeBytes } from '../core/quantity.ts'
import { clusterOfGroup, hasUnerasedSpace, tagsOf, type VolumeRecord } from '../core/volume-tags.ts'
import { complaintOf, type CommandResult } from './command-runner.ts'
import { CommandFailed, Conflict, NoSpace, OutcomeUnknown, Refused } from './errors.ts'
import { freeDisksOf } from './free-disks.ts'
import { JustMade } from './just-made.ts'
import { MIN_FILE_SYSTEM_BYTES } from './file-system.ts'
import { requireComplete, type KnownGroup } from './known-groups.ts'
import { createVolumeCommand } from './lvm-command.ts'
import type { Lvm } from './lvm.ts'
import { confirmLegsApart, readLegs } from './raid-legs.ts'
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
type Plan =
  | { readonly own: LogicalVolume }
  | { readonly own: undefined; readonly extents: bigint; readonly places: readonly Placement[] }

/** Space is counted and taken by one writer, so what is being made is never given twice. */
const planOf = (report: GroupReport, request: CreateVolumeRequest): Plan => {
  checkGroup(report, request)
  const own = findOwn(report, request)
  if (own !== undefined) return { own }
  const { layout, sizeBytes } = request
  const { extentSizeBytes } = report.group
  const free = freeDisksOf(report.group)
  const extents = volumeExtents(layout, sizeBytes, extentSizeBytes)
  const places = placeVolume(layout, extents, free)
  if (places !== undefined) return { own, extents, places }
  throw new NoSpace(nameOf(request), {
    layout: describeLayout(layout),
    requestedBytes: extents * extentSizeBytes,
    largestBytes: largestVolumeExtents(layout, free) * extentSizeBytes,
    freeOnDisks: report.group.physicalVolumes
      .filter(({ devicePath }) => free.some(({ path }) => path === devicePath))
      .map(({ devicePath, freeBytes }) => ({ path: devicePath, freeBytes })),
  })
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

interface CreateTools {
  readonly lvm: Lvm
  readonly known: KnownGroup
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
  const { segmentType, tags } = plan.own
  const wanted = tagsOf(request.record)
  const isAsAsked = segmentType === request.layout.name && wanted.every((tag) => tags.includes(tag))
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
  const plan = await planFor(known, request)
  const before = known.last ?? (await known.fresh())
  if (plan.own !== undefined) {
    await confirmLegs(tools, request, plan.own)
    await known.flush()
    return { volume: plan.own, justMade: undefined }
  }
  const { groupName, name, layout, record } = request
  const command = createVolumeCommand({ groupName, name, layout, ...plan, tags: tagsOf(record) })
  const result = await lvm.run(command, known.devices)
  const volume = await known.confirm((report) => madeIn(report, request, result))
  await confirmLegs(tools, request, volume)
  return { volume, justMade: JustMade.prove(before, volume) }
}
