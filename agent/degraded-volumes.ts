import type { LogicalVolume } from '../lvm/types.ts'
import { isRaid } from '../lvm/raid-legs.ts'

/** In steps, so that a report is not written for each percent of a resynchronisation. */
const STEP_PERCENT = 10

const whyOf = ({ health, syncPercent }: LogicalVolume): string | undefined => {
  if (health !== '') return health
  if (syncPercent === undefined || syncPercent >= 100) return undefined
  return `in sync to ${Math.floor(syncPercent / STEP_PERCENT) * STEP_PERCENT} %`
}

/** RAID volumes with a leg that is missing, stale or not in sync yet. What an inactive one lacks is not to be seen. */
export const degradedVolumes = (
  volumes: readonly LogicalVolume[],
): { readonly name: string; readonly why: string }[] =>
  volumes.filter(isRaid).flatMap((volume) => {
    const why = whyOf(volume)
    return why === undefined ? [] : [{ name: `${volume.groupName}/${volume.name}`, why }]
  })
