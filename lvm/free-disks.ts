import type { FreeDisk } from '../core/layout-size.ts'
import type { VolumeGroup } from './types.ts'

/** Disks of a group from which LVM may give extents to new volumes: not those that are closed, nor those that are away. */
export const freeDisksOf = ({ physicalVolumes }: VolumeGroup): FreeDisk[] =>
  physicalVolumes
    .filter(({ allocatable, missing }) => allocatable && !missing)
    .map(({ devicePath, freeRuns }) => ({ path: devicePath, freeRuns }))
