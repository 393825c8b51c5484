/** How the extents of a volume lie on the disks of its group (lvmraid(7), lvmthin(7)). */
export const LAYOUTS = ['linear', 'striped', 'raid1', 'raid5', 'raid6', 'raid10', 'thin'] as const
export type LayoutName = (typeof LAYOUTS)[number]

/** Layouts that this version can make. Any other is refused by name, never ignored. */
export const BUILT_LAYOUTS: readonly LayoutName[] = ['linear']

/** Default of vgcreate, and ours: 4 MiB. */
export const EXTENT_SIZE_BYTES = 4n * 1024n * 1024n

/** Bytes that a request occupies: whole extents, at least one. */
export const roundUpToExtents = (requestedBytes: bigint, extentSizeBytes: bigint): bigint => {
  const extents = (requestedBytes + extentSizeBytes - 1n) / extentSizeBytes
  return (extents === 0n ? 1n : extents) * extentSizeBytes
}

/**
 * The largest linear volume that fits: a linear volume may be put together from free extents anywhere in the group,
 * so it is all of the free space. Other layouts are bounded by the disks they spread over.
 */
export const largestLinearVolumeBytes = (freeBytes: bigint, extentSizeBytes: bigint): bigint =>
  (freeBytes / extentSizeBytes) * extentSizeBytes
