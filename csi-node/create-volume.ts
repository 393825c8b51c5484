import { volumeExtents } from '../core/layout-size.ts'
import { FILE_SYSTEM_ATTRIBUTE, MKFS_OPTIONS_ATTRIBUTE, TOPOLOGY_KEY } from '../core/naming.ts'
import type { ClassParameters } from '../core/parameters.ts'
import type { VolumeRecord } from '../core/volume-tags.ts'
import { MIN_FILE_SYSTEM_BYTES } from '../lvm/file-system.ts'
import type { CreateVolumeRequest as WantedVolume, Inventory, LogicalVolume } from '../lvm/types.ts'
import { contentOf, requireAccess, type Access } from './capability.ts'
import { isWithin, requireSizes, requireWithinLimit, wantedBytes, type Sizes } from './capacity-range.ts'
import { NO_CLASS, requireParameters } from './class-parameters.ts'
import { ElsewhereWanted, InvalidField, MadeOtherwise, SizeOutOfRange } from './errors.ts'
import type { CreateVolumeRequest, CreateVolumeResponse, TopologyRequirement } from './gen/csi.ts'
import type { NodeContext } from './node-context.ts'
import { describeVolume, usableGroups, type OurGroup } from './our-volumes.ts'
import type { UnaryHandler } from './unary.ts'
import { requirePresent } from './volume-id.ts'
import { volumeNamesFor, type VolumeNames } from './volume-name.ts'

/** CSI specification, "Size Limits": strings have 128 bytes at most. */
const MAX_NAME_BYTES = 128

/** A request that could be served, with what it says about the volume. */
interface Wanted {
  /** As the caller wrote it. */
  readonly shownName: string
  readonly names: VolumeNames
  readonly parameters: ClassParameters
  readonly content: VolumeRecord['content']
  readonly sizes: Sizes
}

/** All capabilities are of one volume, so they have to agree on what is in it. */
const commonContent = (accesses: readonly Access[]): VolumeRecord['content'] => {
  const contents = new Set(accesses.map(contentOf))
  const [content, ...others] = contents
  if (content === undefined) throw new InvalidField('volume_capabilities', 'they are missing')
  if (others.length === 0) return content
  throw new InvalidField('volume_capabilities', `one volume cannot be ${[...contents].join(' and ')}`)
}

/** @throws InvalidField, SizeOutOfRange for what no volume could ever answer. */
const readRequest = (request: CreateVolumeRequest): Wanted => {
  const { name } = request
  requirePresent({ name })
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw new InvalidField('name', `it has ${Buffer.byteLength(name)} bytes: allowed are ${MAX_NAME_BYTES}`)
  if (request.volumeCapabilities.length === 0)
    throw new InvalidField('volume_capabilities', 'they are missing')
  const parameters = requireParameters(request.parameters)
  const accesses = request.volumeCapabilities.map((each) => requireAccess(each, parameters.fileSystem))
  const sizes = requireSizes(request.capacityRange)
  if (request.volumeContentSource !== undefined)
    throw new InvalidField('volume_content_source', 'this version cannot fill a volume from another')
  if (Object.keys(request.mutableParameters).length > 0)
    throw new InvalidField('mutable_parameters', 'a volume of Loam has none')
  const content = commonContent(accesses)
  return { shownName: name, names: volumeNamesFor(name, request.parameters), parameters, content, sizes }
}

/** Nothing said about the place is this node. @throws ElsewhereWanted */
const requireHere = (wanted: TopologyRequirement | undefined, nodeName: string): void => {
  const places = [...(wanted?.requisite ?? []), ...(wanted?.preferred ?? [])]
  if (places.length === 0 || places.some(({ segments }) => segments[TOPOLOGY_KEY] === nodeName)) return
  const named = places.map(({ segments }) => JSON.stringify(segments)).join(', ')
  throw new ElsewhereWanted(nodeName, `${named} is asked for`)
}

const requireGroup = (inventory: Inventory, name: string): OurGroup => {
  const found = usableGroups(inventory).find(({ group }) => group.name === name)
  if (found !== undefined) return found
  throw new InvalidField(
    'parameters["volumeGroup"]',
    `no volume group "${name}" of Loam can be used on this node now`,
    'the StorageClass that lists its disks makes it; kubectl get nls says what is in the way',
  )
}

const sizeFor = ({ sizes, parameters, content }: Wanted, { group }: OurGroup): bigint => {
  const { extentSizeBytes } = group
  const sizeBytes = volumeExtents(parameters.layout, wantedBytes(sizes), extentSizeBytes) * extentSizeBytes
  requireWithinLimit(sizes, sizeBytes)
  const least = content === 'block' ? 0n : MIN_FILE_SYSTEM_BYTES[content]
  if (sizeBytes < least)
    throw new SizeOutOfRange(`${content} needs at least ${least} bytes`, 'ask for a larger volume')
  return sizeBytes
}

/** @throws MadeOtherwise naming the first difference. */
const requireSame = (found: LogicalVolume, wanted: Wanted): void => {
  const { record, segmentType, sizeBytes } = found
  const { parameters, content, sizes, shownName } = wanted
  const differences = [
    record?.madeBy === 'csi' ? undefined : 'it was not made by a CSI call',
    record?.content === content
      ? undefined
      : `it is for ${record?.content ?? 'nobody knows what'}, not ${content}`,
    segmentType === parameters.layout.name
      ? undefined
      : `it is ${segmentType}, not ${parameters.layout.name}`,
    record?.erase === parameters.erase
      ? undefined
      : `its erase method is ${record?.erase}, not ${parameters.erase}`,
    isWithin(sizes, sizeBytes)
      ? undefined
      : `it has ${sizeBytes} bytes, and ${sizes.requiredBytes} to ${sizes.limitBytes || 'any number'} are asked for`,
  ]
  const difference = differences.find((each) => each !== undefined)
  if (difference !== undefined) throw new MadeOtherwise(shownName, difference)
}

const requestFor = (wanted: Wanted, { group, clusterId }: OurGroup): WantedVolume => {
  const { name, ...claim } = wanted.names
  const { layout, erase } = wanted.parameters
  return {
    ...{ groupName: group.name, groupUuid: group.uuid, name, layout },
    sizeBytes: sizeFor(wanted, { group, clusterId }),
    record: {
      ...{ state: 'new', clusterId, ...claim, storageClassName: NO_CLASS, erase },
      ...{ content: wanted.content, madeBy: 'csi' },
    },
  }
}

const makeOrFind = async ({ volumes }: NodeContext, wanted: Wanted): Promise<LogicalVolume> => {
  const inventory = await volumes.inventory()
  const ours = requireGroup(inventory, wanted.parameters.volumeGroup)
  const found = inventory.volumes.find(({ name }) => name === wanted.names.name)
  if (found !== undefined) {
    if (found.groupName !== ours.group.name)
      throw new MadeOtherwise(wanted.shownName, `it is in volume group "${found.groupName}"`)
    requireSame(found, wanted)
    return volumes.createVolume({ ...requestFor(wanted, ours), sizeBytes: found.sizeBytes })
  }
  return volumes.createVolume(requestFor(wanted, ours))
}

/** What staging has to be told again. */
const volumeContextOf = ({ content, parameters: { mkfsOptions } }: Wanted): Record<string, string> => ({
  ...(content === 'block' ? {} : { [FILE_SYSTEM_ATTRIBUTE]: content }),
  ...(mkfsOptions.length === 0 ? {} : { [MKFS_OPTIONS_ATTRIBUTE]: mkfsOptions.join(' ') }),
})

/**
 * CreateVolume: makes a volume on this node, by the same code as for a claim. Repeating it gives the same volume; one of
 * that name that is otherwise is ALREADY_EXISTS. Only for callers that delete it again themselves.
 */
export const createVolume =
  (context: NodeContext): UnaryHandler<CreateVolumeRequest, CreateVolumeResponse> =>
  async (request) => {
    const wanted = readRequest(request)
    requireHere(request.accessibilityRequirements, context.nodeName)
    const volume = await context.locks.run(wanted.names.name, 'CreateVolume', () =>
      makeOrFind(context, wanted),
    )
    return { volume: describeVolume(volume, context.nodeName, volumeContextOf(wanted)) }
  }
