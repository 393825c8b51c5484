import type { FreeDisk } from '../core/layout-size.ts'
import type { VolumeGroup } from './types.ts'

/** Disks of a group from which LVM may give extents to new volumes: not those that are closed, nor those that are away. */
export const freeDisksOf = ({ physicalVolumes }: VolumeGroup): FreeDisk[] =>
  physicalVolumes
    .filter(({ allocatable, missing }) => allocatable && !missing)
    .map(({ devicePath, freeRuns }) => ({ path: devicePath, freeRuns }))

/** The same disks with their free bytes, for people. */
export const freeOnDisks = (group: VolumeGroup): { readonly path: string; readonly freeBytes: bigint }[] => {
  const open = freeDisksOf(group).map(({ path }) => path)
  return group.physicalVolumes
    .filter(({ devicePath }) => open.includes(devicePath))
    .map(({ devicePath, freeBytes }) => ({ path: devicePath, freeBytes }))
}
