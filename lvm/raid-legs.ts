import * as v from 'valibot'

import type { ExtentRun } from '../core/layout-size.ts'
import { complaintOf } from './command-runner.ts'
import { CommandFailed, OutcomeUnknown } from './errors.ts'
import { legsCommand } from './lvm-command.ts'
import type { Lvm } from './lvm.ts'
import { parseReportJson } from './report-json.ts'
import type { LogicalVolume } from './types.ts'
import { volumeObject } from './volume-content.ts'

/** A run of extents on one disk. */
export interface LegRun extends ExtentRun {
  readonly devicePath: string
}

/** The hidden volumes of which LVM makes a RAID volume (lvmraid(7)): for each leg an image, and metadata beside it. */
export interface RaidLegs {
  readonly images: readonly (readonly LegRun[])[]
  readonly metadata: readonly (readonly LegRun[])[]
}

/** Whether the loss of a disk leaves the volume usable. */
export const isRaid = ({ segmentType }: LogicalVolume): boolean => segmentType.startsWith('raid')

/** `lvm` shows hidden volumes in brackets. */
const LEG = /^\[.+_(rimage|rmeta)_\d+\]$/
const RUN = /^(\/dev\/\S+):(\d{1,15})-(\d{1,15})$/

const row = v.object({ lv_name: v.string(), seg_pe_ranges: v.string() })
const legsReport = v.object({ report: v.array(v.object({ lv: v.array(row) })) })

const runOf = (text: string): LegRun => {
  const [, devicePath = '', first = '', last = ''] = RUN.exec(text) ?? []
  if (devicePath === '') throw new CommandFailed('lvm lvs', `an unexpected run of extents: ${text}`)
  return { devicePath, first: BigInt(first), count: BigInt(last) - BigInt(first) + 1n }
}

/** Reads what legsCommand wrote: a leg of several runs has a row for each. @throws CommandFailed. */
export const parseLegs = (text: string): RaidLegs => {
  const rows = parseReportJson(legsReport, text, 'lvm lvs').report.flatMap(({ lv }) => lv)
  const kinds = { rimage: new Map<string, LegRun[]>(), rmeta: new Map<string, LegRun[]>() }
  for (const { lv_name: name, seg_pe_ranges: ranges } of rows) {
    const [, kind] = LEG.exec(name) ?? []
    if (kind !== 'rimage' && kind !== 'rmeta')
      throw new CommandFailed('lvm lvs', `an unexpected part of a RAID volume: ${name}`)
    const legs = kinds[kind]
    legs.set(name, [...(legs.get(name) ?? []), ...ranges.split(' ').map(runOf)])
  }
  return { images: [...kinds.rimage.values()], metadata: [...kinds.rmeta.values()] }
}

/** Where the legs of a RAID volume lie. @throws CommandFailed when that is not understood whole. */
export const readLegs = async (
  { lvm, devices }: { readonly lvm: Lvm; readonly devices: readonly string[] },
  volume: LogicalVolume,
): Promise<RaidLegs> => {
  const result = await lvm.run(legsCommand(volume), devices)
  if (result.exitCode !== 0) throw new CommandFailed(volumeObject(volume), complaintOf(result))
  return parseLegs(result.report)
}

/**
 * Makes sure that no disk carries two legs of a volume: losing it would then cost more than one leg.
 *
 * @throws OutcomeUnknown when it is not so; the volume must not be given to anybody.
 */
export const confirmLegsApart = (volume: LogicalVolume, legs: RaidLegs, count: number): void => {
  const disks = legs.images.map((runs) => new Set(runs.map(({ devicePath }) => devicePath)))
  const all = new Set(disks.flatMap((leg) => [...leg]))
  const areApart = disks.length === count && all.size === count && disks.every((leg) => leg.size === 1)
  if (areApart) return
  const found = disks.map((leg) => [...leg].join('+')).join(', ')
  throw new OutcomeUnknown(
    volumeObject(volume),
    `its ${count} legs were to lie on a disk each, and lie on ${found}`,
  )
}
