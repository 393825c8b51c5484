import type { ExtentRun } from '../core/layout-size.ts'
import { Fields } from './metadata-fields.ts'
import { parseConfig, type ConfigSection } from './metadata-syntax.ts'

/** A run of extents on one disk. */
export interface DiskRun extends ExtentRun {
  readonly diskUuid: string
}

/** A disk of the group, as the text has it. */
export interface DiskInText {
  readonly uuid: string
  readonly firstExtentAtBytes: bigint
  readonly extents: bigint
  readonly allocatable: boolean
  readonly tags: readonly string[]
}

/** A part of a volume: over one run, or striped over several of the same length. */
interface SegmentInText {
  readonly extents: bigint
  readonly runs: readonly DiskRun[]
}

export interface VolumeInText {
  readonly uuid: string
  readonly name: string
  readonly tags: readonly string[]
  readonly extents: bigint
  /** In the order of the volume's own extents, without gaps. */
  readonly segments: readonly SegmentInText[]
}

/** A group of linear and striped volumes, as its metadata text describes it. */
export interface GroupInText {
  readonly uuid: string
  readonly name: string
  readonly seqno: number
  readonly tags: readonly string[]
  readonly extentSizeBytes: bigint
  readonly disks: readonly DiskInText[]
  readonly volumes: readonly VolumeInText[]
}

/** Sizes and places are in units of 512 bytes. */
const SECTOR_BYTES = 512n

/** Flag of groups and volumes that hosts do not activate by themselves. */
const NO_AUTOACTIVATION = 'NOAUTOACTIVATE'

const diskOf = ([name, section]: readonly [string, ConfigSection]): readonly [string, DiskInText] => {
  const fields = new Fields(name, section)
  // a missing disk has a flag
  fields.words('flags', [])
  fields.skip('device', 'device_id', 'device_id_type', 'dev_size', 'ba_start', 'ba_size')
  const disk = {
    uuid: fields.text('id'),
    firstExtentAtBytes: fields.count('pe_start') * SECTOR_BYTES,
    extents: fields.count('pe_count'),
    allocatable: fields.words('status', [], ['ALLOCATABLE']).length > 0,
    tags: fields.texts('tags'),
  }
  fields.end()
  return [name, disk]
}

type Disks = ReadonlyMap<string, DiskInText>

/** Pairs of a disk's name and its first extent. */
const runsOf = (list: readonly (string | bigint)[], count: bigint, disks: Disks): DiskRun[] =>
  Array.from({ length: list.length / 2 }, (_unused, index) => {
    const [name, first] = [list[2 * index], list[2 * index + 1]]
    const disk = typeof name === 'string' ? disks.get(name) : undefined
    if (disk === undefined || typeof first !== 'bigint' || first < 0n || first + count > disk.extents)
      throw new Error(`no extents ${first} to ${String(first)}+${count} on "${name}"`)
    return { diskUuid: disk.uuid, first, count }
  })

const segmentOf = (
  name: string,
  section: ConfigSection,
  disks: Disks,
): SegmentInText & { readonly start: bigint } => {
  const fields = new Fields(name, section)
  // a linear segment is one of a single stripe
  if (fields.text('type') !== 'striped') throw new Error(`${name}: neither linear nor striped`)
  const extents = fields.count('extent_count')
  const stripes = fields.count('stripe_count')
  const list = fields.list('stripes')
  const start = fields.count('start_extent')
  fields.skip('stripe_size')
  fields.end()
  if (stripes === 0n || extents === 0n || extents % stripes !== 0n || BigInt(list.length) !== 2n * stripes)
    throw new Error(`${name}: ${extents} extents over ${stripes} stripes in ${list.length} parts`)
  return { start, extents, runs: runsOf(list, extents / stripes, disks) }
}

const volumeOf = ([name, section]: readonly [string, ConfigSection], disks: Disks): VolumeInText => {
  const fields = new Fields(name, section)
  // parts of other volumes are not visible
  fields.words('status', ['READ', 'WRITE', 'VISIBLE'])
  fields.words('flags', [], [NO_AUTOACTIVATION])
  fields.skip('creation_host', 'creation_time', 'allocation_policy', 'read_ahead')
  const uuid = fields.text('id')
  const tags = fields.texts('tags')
  const count = fields.count('segment_count')
  const segments = fields.remainingSections().map(([part, each]) => segmentOf(`${name}/${part}`, each, disks))
  let extents = 0n
  for (const { start, extents: more } of segments) {
    if (start !== extents) throw new Error(`${name}: a segment starts at ${start} and not at ${extents}`)
    extents += more
  }
  if (count === 0n || count !== BigInt(segments.length))
    throw new Error(`${name}: ${count} segments, and ${segments.length} are there`)
  return { uuid, name, tags, extents, segments }
}

const groupOf = (name: string, section: ConfigSection): GroupInText => {
  const fields = new Fields(name, section)
  if (fields.text('format') !== 'lvm2') throw new Error('not of the format lvm2')
  fields.words('status', ['RESIZEABLE', 'READ', 'WRITE'])
  fields.words('flags', [], [NO_AUTOACTIVATION])
  fields.skip('max_lv', 'max_pv', 'metadata_copies', 'allocation_policy')
  const disks = new Map(fields.sections('physical_volumes').map(diskOf))
  const group = {
    name,
    uuid: fields.text('id'),
    seqno: Number(fields.count('seqno')),
    tags: fields.texts('tags'),
    extentSizeBytes: fields.count('extent_size') * SECTOR_BYTES,
    disks: [...disks.values()],
    volumes: fields.sections('logical_volumes').map((each) => volumeOf(each, disks)),
  }
  fields.end()
  return group
}

/**
 * Reads the metadata text of a group (lvm2, lib/format_text/export.c) that holds linear and striped volumes only, all of
 * whose disks LVM had when it wrote it.
 *
 * @throws Error for any other group, and for anything that is not known: then LVM has to be asked.
 */
export const parseMetadataText = (text: string): GroupInText => {
  const fields = new Fields('metadata', parseConfig(text))
  if (fields.text('contents') !== 'Text Format Volume Group' || fields.count('version') !== 1n)
    throw new Error('not a text of a volume group that is known here')
  fields.skip('description', 'creation_host', 'creation_time')
  const [group, ...others] = fields.remainingSections()
  if (group === undefined || others.length > 0) throw new Error('not one group')
  return groupOf(...group)
}
