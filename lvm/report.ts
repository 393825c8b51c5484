import * as v from 'valibot'

import { recordOf } from '../core/volume-tags.ts'
import { CommandFailed } from './errors.ts'
import type { LvmCommand } from './lvm-command.ts'
import type { DiskRun } from './metadata-text.ts'
import { parseReportJson } from './report-json.ts'
import type { LogicalVolume, PhysicalVolume, VolumeGroup } from './types.ts'

/** A volume group with its volumes, as one report showed them, or one reading of its disks. */
export interface GroupReport {
  readonly group: VolumeGroup
  readonly volumes: readonly LogicalVolume[]
  /** Where each linear volume lies, by its UUID and in its order; only a reading of the disks has this. */
  readonly linearRuns?: ReadonlyMap<string, readonly DiskRun[]>
}

/** What a set of devices holds. */
export interface DeviceReport {
  readonly groups: readonly GroupReport[]
  /** UUIDs of PhysicalVolumes that belong to no group, and whose own label agrees that they are not in use. */
  readonly orphanPhysicalVolumes: readonly string[]
}

const FIELDS = {
  vg: [
    ...['vg_name', 'vg_uuid', 'vg_size', 'vg_free', 'vg_extent_size', 'vg_seqno', 'vg_tags'],
    'vg_missing_pv_count',
  ],
  pv: [
    'pv_name',
    'pv_uuid',
    'pv_size',
    'pv_free',
    'pv_missing',
    'pv_in_use',
    'pv_allocatable',
    'pv_tags',
    'pe_start',
    'vg_uuid',
  ],
  lv: [
    ...['lv_name', 'lv_uuid', 'lv_size', 'lv_tags', 'lv_active', 'lv_device_open'],
    ...['lv_health_status', 'sync_percent', 'pool_lv', 'lv_metadata_size'],
  ],
  seg: ['lv_uuid', 'segtype', 'chunk_size', 'zero'],
  pvseg: ['pv_uuid', 'pvseg_start', 'pvseg_size', 'segtype'],
}

/** lvm fullreport(8): everything in one command, so that its parts belong to one moment. */
export const reportCommand: LvmCommand = {
  name: 'fullreport',
  effect: 'read',
  options: [
    ...['--reportformat', 'json', '--units', 'b', '--nosuffix'],
    ...Object.entries(FIELDS).flatMap(([part, fields]) => [
      '--configreport',
      part,
      '--options',
      fields.join(','),
    ]),
  ],
  operands: [],
}

const bytes = v.pipe(
  v.string(),
  v.regex(/^\d{1,20}$/),
  v.transform((text) => BigInt(text)),
)
const count = v.pipe(
  v.string(),
  v.regex(/^\d{1,15}$/),
  v.transform((text) => Number(text)),
)
const tags = v.pipe(
  v.string(),
  v.transform((text) => (text === '' ? [] : text.split(','))),
)
/** LVM writes a flag as a word or nothing; any other word is news to us and not guessed at. */
const flag = (...words: [string, ...string[]]) =>
  v.pipe(
    v.picklist(['', ...words]),
    v.transform((text) => text === words[0]),
  )

/** Empty for what has none at the moment. */
const percent = v.pipe(
  v.string(),
  v.regex(/^(\d{1,3}\.\d{2})?$/),
  v.transform((text) => (text === '' ? undefined : Number(text))),
)

const groupRow = v.object({
  vg_name: v.string(),
  vg_uuid: v.string(),
  vg_size: bytes,
  vg_free: bytes,
  vg_extent_size: bytes,
  vg_seqno: count,
  vg_tags: tags,
  vg_missing_pv_count: count,
})
const physicalVolumeRow = v.object({
  pv_name: v.string(),
  pv_uuid: v.string(),
  pv_size: bytes,
  pv_free: bytes,
  pv_missing: flag('missing'),
  pv_in_use: flag('used'),
  pv_allocatable: flag('allocatable'),
  pv_tags: tags,
  pe_start: bytes,
  vg_uuid: v.string(),
})
const volumeRow = v.object({
  lv_name: v.string(),
  lv_uuid: v.string(),
  lv_size: bytes,
  lv_tags: tags,
  lv_active: flag('active'),
  // "unknown" is what an inactive volume has
  lv_device_open: flag('open', 'unknown'),
  lv_health_status: v.string(),
  sync_percent: percent,
  pool_lv: v.optional(v.string(), ''),
  lv_metadata_size: v.optional(v.string(), ''),
})
const extents = v.pipe(
  v.string(),
  v.regex(/^\d{1,15}$/),
  v.transform((text) => BigInt(text)),
)
const diskSegmentRow = v.object({
  pv_uuid: v.string(),
  pvseg_start: extents,
  pvseg_size: extents,
  segtype: v.string(),
})
const segmentRow = v.object({
  lv_uuid: v.string(),
  segtype: v.string(),
  chunk_size: v.optional(v.string(), ''),
  zero: v.optional(v.string(), ''),
})
const poolShape = v.object({ metadataBytes: bytes, chunkBytes: bytes })

const part = v.object({
  vg: v.optional(v.array(groupRow), []),
  pv: v.optional(v.array(physicalVolumeRow), []),
  lv: v.optional(v.array(volumeRow), []),
  seg: v.optional(v.array(segmentRow), []),
  pvseg: v.optional(v.array(diskSegmentRow), []),
})
const fullReport = v.object({ report: v.array(part) })
type Part = v.InferOutput<typeof part>

/** LVM's word for extents that no volume has. */
const FREE = 'free'

const freeRunsOf = (uuid: string, rows: Part['pvseg']): PhysicalVolume['freeRuns'] =>
  rows
    .filter((row) => row.pv_uuid === uuid && row.segtype === FREE)
    .map((row) => ({ first: row.pvseg_start, count: row.pvseg_size }))

const physicalVolumesOf = ({ pv, pvseg }: Part): PhysicalVolume[] =>
  pv.map((row) => ({
    uuid: row.pv_uuid,
    devicePath: row.pv_name,
    sizeBytes: row.pv_size,
    freeBytes: row.pv_free,
    freeRuns: freeRunsOf(row.pv_uuid, pvseg),
    firstExtentAtBytes: row.pe_start,
    missing: row.pv_missing,
    allocatable: row.pv_allocatable,
    tags: row.pv_tags,
  }))

/** LVM's segment type of a thin pool. */
const THIN_POOL = 'thin-pool'

/** Only a thin pool has these fields filled in a way that means anything here. */
const poolOf = (
  row: v.InferOutput<typeof volumeRow>,
  segment: v.InferOutput<typeof segmentRow> | undefined,
): Pick<LogicalVolume, 'pool' | 'poolName'> => {
  if (row.pool_lv !== '') return { poolName: row.pool_lv }
  // one that is not counted in its pool would let the pool promise too much
  if (segment?.segtype === 'thin') throw new CommandFailed('lvm fullreport', `no pool of ${row.lv_name}`)
  if (segment?.segtype !== THIN_POOL) return {}
  const shape = v.safeParse(poolShape, {
    metadataBytes: row.lv_metadata_size,
    chunkBytes: segment.chunk_size,
  })
  if (!shape.success)
    throw new CommandFailed('lvm fullreport', `sizes of thin pool ${row.lv_name} are missing`)
  return { pool: { ...shape.output, zeroes: segment.zero === 'zero' } }
}

const volumesOf = (group: v.InferOutput<typeof groupRow>, rows: Part): LogicalVolume[] =>
  rows.lv.map((row) => {
    const segments = rows.seg.filter((seg) => seg.lv_uuid === row.lv_uuid)
    const types = new Set(segments.map((seg) => seg.segtype))
    return {
      handle: { groupUuid: group.vg_uuid, volumeUuid: row.lv_uuid },
      groupName: group.vg_name,
      name: row.lv_name,
      sizeBytes: row.lv_size,
      tags: row.lv_tags,
      record: recordOf(row.lv_tags),
      active: row.lv_active,
      open: row.lv_device_open,
      segmentType: [...types].join('+'),
      health: row.lv_health_status,
      syncPercent: row.sync_percent,
      ...poolOf(row, segments[0]),
    }
  })

const groupReport = (rows: Part): GroupReport[] =>
  rows.vg.map((row) => ({
    group: {
      name: row.vg_name,
      uuid: row.vg_uuid,
      sizeBytes: row.vg_size,
      freeBytes: row.vg_free,
      extentSizeBytes: row.vg_extent_size,
      seqno: row.vg_seqno,
      tags: row.vg_tags,
      missingPhysicalVolumes: row.vg_missing_pv_count,
      physicalVolumes: physicalVolumesOf(rows),
    },
    volumes: volumesOf(row, rows),
  }))

/**
 * Reads what reportCommand wrote. LVM gives one element for each group and one for the PhysicalVolumes of none.
 *
 * @throws CommandFailed when any of it is not understood.
 */
export const parseReport = (text: string): DeviceReport => {
  const { report } = parseReportJson(fullReport, text, 'lvm fullreport')
  const inGroups = report.filter((rows) => rows.vg.length > 0)
  const twice = inGroups.find((rows) => rows.vg.length > 1)
  if (twice !== undefined)
    throw new CommandFailed('lvm fullreport', 'two groups in one element of the report')
  return {
    groups: inGroups.flatMap(groupReport),
    orphanPhysicalVolumes: report
      .filter((rows) => rows.vg.length === 0)
      .flatMap((rows) => rows.pv.filter((row) => !row.pv_in_use).map((row) => row.pv_uuid)),
  }
}

const groupNames = v.object({
  report: v.array(v.object({ vg: v.optional(v.array(v.object({ vg_name: v.string() })), []) })),
})

/** Names in the answer to groupNamesCommand. @throws CommandFailed when it is not understood. */
export const parseGroupNames = (text: string): string[] =>
  parseReportJson(groupNames, text, 'lvm vgs').report.flatMap((rows) => rows.vg.map((row) => row.vg_name))
