import * as v from 'valibot'

import type { VolumeShape } from '../core/extension-size.ts'
import { Refused } from './errors.ts'
import type { KnownGroup } from './known-groups.ts'
import { stripesCommand } from './lvm-command.ts'
import type { Lvm } from './lvm.ts'
import { confirmLegsApart, readLegs } from './raid-legs.ts'
import { parseReportJson } from './report-json.ts'
import type { LogicalVolume } from './types.ts'
import { volumeObject } from './volume-content.ts'

interface ShapeTools {
  readonly lvm: Lvm
  readonly known: KnownGroup
}

const number = v.pipe(v.string(), v.regex(/^\d{1,15}$/))
const row = v.object({ segtype: v.string(), stripes: number, stripe_size: number })
const stripesReport = v.object({ report: v.array(v.object({ seg: v.array(row) })) })

const ADVICE = 'make a larger volume and copy the data to it'

/** @throws Refused when the parts of the volume have stripes of several kinds: the next part might have any of them. */
const stripedShape = async ({ lvm, known }: ShapeTools, volume: LogicalVolume): Promise<VolumeShape> => {
  const { groupName, handle } = volume
  const command = stripesCommand({ groupName, uuid: handle.volumeUuid })
  const { report } = parseReportJson(stripesReport, await lvm.read(command, known.devices), 'lvm lvs')
  const rows = report.flatMap(({ seg }) => seg)
  const [first, ...others] = rows
  const isSame = others.every(
    ({ stripes, stripe_size: size }) => stripes === first?.stripes && size === first.stripe_size,
  )
  if (first === undefined || !isSame)
    throw new Refused(volumeObject(volume), 'its parts have stripes of several kinds', { advice: ADVICE })
  return { name: 'striped', stripes: Number(first.stripes), stripeSizeBytes: BigInt(first.stripe_size) }
}

/** @throws OutcomeUnknown when two legs share a disk, or one lies on several. */
const raidShape = async (
  { lvm, known }: ShapeTools,
  volume: LogicalVolume,
  name: 'raid1' | 'raid5' | 'raid6' | 'raid10',
): Promise<VolumeShape> => {
  if (volume.health !== '')
    throw new Refused(volumeObject(volume), `LVM finds "${volume.health}"`, {
      advice: 'repair it first: see docs/replacing-disks.md',
    })
  const legs = await readLegs({ lvm, devices: known.devices }, volume)
  confirmLegsApart(volume, legs, legs.images.length)
  return { name, legDisks: legs.images.map(([first]) => first?.devicePath ?? '') }
}

/**
 * How a volume lies on its disks. Asked of LVM, because a class may have changed since the volume was made, and the volume of a
 * PersistentVolume made by hand may have none.
 *
 * @throws Refused for what Loam cannot enlarge with certainty.
 */
export const readShape = async (tools: ShapeTools, volume: LogicalVolume): Promise<VolumeShape> => {
  const { segmentType } = volume
  switch (segmentType) {
    case 'linear':
      return { name: segmentType }
    case 'striped':
      return await stripedShape(tools, volume)
    case 'raid1':
    case 'raid5':
    case 'raid6':
    case 'raid10':
      return await raidShape(tools, volume, segmentType)
    default:
      throw new Refused(volumeObject(volume), `is a ${segmentType} volume, which Loam does not enlarge`, {
        advice: ADVICE,
      })
  }
}
