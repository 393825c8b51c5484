/** How the extents of a volume lie on the disks of its group (lvmraid(7), lvmthin(7)). */
export const LAYOUTS = ['linear', 'striped', 'raid1', 'raid5', 'raid6', 'raid10', 'thin'] as const
export type LayoutName = (typeof LAYOUTS)[number]

/** A layout with all that lvcreate has to be told. */
export type Layout = PlacedLayout | ThinLayout

/** The extents of a volume are its own from the start. */
export type PlacedLayout =
  | { readonly name: 'linear' }
  /** `mirrors` are the copies beside the original. */
  | { readonly name: 'raid1'; readonly mirrors: number }
  /** `stripes` are those that hold data: parity and mirrors come on top. */
  | {
      readonly name: 'striped' | 'raid5' | 'raid6' | 'raid10'
      readonly stripes: number
      readonly stripeSizeBytes: bigint
    }

/** A volume takes space from a pool of its group as it is written to (lvmthin(7)). */
export interface ThinLayout {
  readonly name: 'thin'
  readonly pool: string
  /** How much larger than the pool's data area its volumes may be together, in thousandths: 1000 is not at all. */
  readonly overprovisionPermille: bigint
}

/** What the legs of a volume are: each lies on a disk of its own. */
export interface Legs {
  readonly count: number
  /** How many of them it takes to hold the data once. */
  readonly dataLegs: number
  /** Extents of a leg in which LVM keeps its RAID metadata, beside those that hold data. */
  readonly metadataExtents: bigint
  /**
   * Whether each leg has to lie in one run of extents. LVM 2.03.16 mixes the legs of a parity volume where a leg takes
   * several runs, and then the loss of one disk costs two legs.
   */
  readonly inOneRun: boolean
}

/**
 * One extent of 4 MiB holds the superblock and a bitmap for a leg of 64 TiB in regions of 2 MiB (lvm2,
 * lib/metadata/lv_manip.c); LVM makes the regions larger for larger volumes.
 */
const RAID_METADATA_EXTENTS = 1n

/** Undefined for a linear volume, which takes free extents wherever they are, and for a thin one, which takes none. */
export const legsOf = (layout: Layout): Legs | undefined => {
  const raid = { metadataExtents: RAID_METADATA_EXTENTS, inOneRun: true }
  switch (layout.name) {
    case 'linear':
    case 'thin':
      return undefined
    case 'striped':
      return { count: layout.stripes, dataLegs: layout.stripes, metadataExtents: 0n, inOneRun: false }
    case 'raid1':
      return { count: layout.mirrors + 1, dataLegs: 1, ...raid }
    case 'raid5':
      return { count: layout.stripes + 1, dataLegs: layout.stripes, ...raid }
    case 'raid6':
      return { count: layout.stripes + 2, dataLegs: layout.stripes, ...raid }
    case 'raid10':
      return { count: layout.stripes * 2, dataLegs: layout.stripes, ...raid }
  }
}

/** For people: `raid5 over 3 disks`. */
export const describeLayout = (layout: Layout): string => {
  if (layout.name === 'thin')
    return `thin in pool "${layout.pool}", overprovisionRatio ${Number(layout.overprovisionPermille) / 1000}`
  const legs = legsOf(layout)
  return legs === undefined ? layout.name : `${layout.name} over ${legs.count} disks`
}
